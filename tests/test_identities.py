"""Identities: the examples that Google and Meta print, and what must not become an identity."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.exports.customer_match import google_country, google_email, google_name, google_phone, google_zip
from serving.exports.identity import country_code, email, gmail, hashed, phone, text_of
from serving.exports.meta import META

FIELDS = {field.header: field.clean for field in META.fields}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters
@pytest.mark.parametrize(
    ("header", "given_", "expected"),
    [
        ("email", "John_Smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"),
        ("phone", "(650)555-1212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
        ("fn", "Mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
        ("fn", "정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
        ("fn", "Valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
    ],
)
def test_meta_s_printed_hashes(header, given_, expected):
    assert FIELDS[header](given_, "US") == expected


@pytest.mark.parametrize(
    ("header", "given_", "region", "written"),
    [
        ("email", "  MARY@Example.com ", None, "mary@example.com"),
        ("email", "first.last+shop@gmail.com", None, "first.last+shop@gmail.com"),
        ("phone", "+44 844 412 4653", None, "448444124653"),
        ("ln", "O'Neil-Smith", None, "oneilsmith"),
        ("fn", "Mary Ann", None, "mary ann"),
        ("ct", "New York", "US", "newyork"),
        ("ct", "Paris", "FR", "paris"),
        ("st", "California", "US", "ca"),
        ("st", "CA", "US", "ca"),
        ("st", "Baden-Württemberg", "DE", "badenwürttemberg"),
        ("zip", "94035-1234", "US", "94035"),
        ("zip", "M1 1AE", "GB", "m11ae"),
        ("country", "United States", "US", "us"),
        ("dob", "1997-02-16", None, "19970216"),
        ("dob", "1997/02/16 00:00:00", None, "19970216"),
    ],
)
def test_meta_s_forms(header, given_, region, written):
    assert FIELDS[header](given_, region) == sha256(written)


# https://developers.google.com/data-manager/api/devguides/concepts/formatting
@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ("cloudy.sanfrancisco+shopping@gmail.com", "cloudysanfrancisco@gmail.com"),
        ("user.name+NYC@Example.com", "user.name+nyc@example.com"),
        (" Jane.Doe @GoogleMail.com ", "janedoe@googlemail.com"),
    ],
)
def test_google_s_e_mail_addresses(given_, written):
    assert gmail(email(given_)) == written
    assert google_email(given_) == sha256(written)


def test_google_s_telephone_numbers_names_countries_and_postcodes():
    assert phone("(800)555-0100", "US") == "+18005550100"
    assert google_phone("(800)555-0100", "US") == sha256("+18005550100")
    assert google_name(" Zoë ") == sha256("zoë")
    assert google_country("usa") == "US"
    assert google_zip("94303-5300", "US") == "94303-5300"
    assert google_zip("943035300", "US") == "94303-5300"
    assert google_zip("wc2h  8lg", "GB") == "WC2H 8LG"


@pytest.mark.parametrize(
    ("written", "region", "found"),
    [
        ("16505551212", None, "+16505551212"),
        ("16505551212", "US", "+16505551212"),
        ("1 (800) 888-8888", "US", "+18008888888"),
        ("0044 844 412 4653", None, "+448444124653"),
        ("030 1234567", "DE", "+49301234567"),
        ("no number", "US", ""),
        ("12", "US", ""),
        ("", "US", ""),
        ("1" * 60, None, ""),
    ],
)
def test_telephone_numbers_in_the_ways_that_people_write_them(written, region, found):
    assert phone(written, region) == found


@pytest.mark.parametrize("address", ["", "nobody", "@example.com", "a@", "a@b@c.com", "a@localhost", "+@gmail.com"])
def test_what_is_no_address_is_nothing_and_not_a_hash_of_nothing(address):
    assert google_email(address) == ""


@pytest.mark.parametrize("field", [google_email, google_phone, google_name, *FIELDS.values()])
def test_what_is_hashed_already_stays(field):
    digest = sha256("jane@example.com")
    assert field(digest, "US") == digest
    assert field(digest.upper(), "US") == digest


@given(st.text())
def test_hashing_twice_is_hashing_once(text):
    assert hashed(hashed(text)) == hashed(text)
    assert len(hashed(text)) == 64


@given(st.text(max_size=40), st.sampled_from([None, "US", "GB", "DE"]))
def test_no_text_breaks_a_field_and_every_field_gives_a_hash_or_nothing(text, region):
    for clean in [google_email, google_phone, google_name, *FIELDS.values()]:
        found = clean(text, region) if text.strip() else ""
        assert found == "" or len(found) == 64
    number = phone(text, region)
    assert number == "" or (number.startswith("+") and number[1:].isdigit() and len(number) <= 16)


@pytest.mark.parametrize(
    ("name", "code"),
    [("gb", "GB"), ("United Kingdom", "GB"), ("UK", "GB"), ("Deutschland", "DE"), ("EIRE", "IE"), ("Atlantis", "")],
)
def test_countries_by_code_and_by_name(name, code):
    assert country_code(name) == code


def test_cells_of_numbers_are_text_without_a_decimal_point():
    assert [text_of(cell) for cell in (16505551212.0, 94303, None, float("nan"), " x ", 1.5)] == [
        "16505551212",
        "94303",
        "",
        "",
        "x",
        "1.5",
    ]
