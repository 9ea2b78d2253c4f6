"""Reading a model card: what training writes as Markdown is what the page shows."""

from datetime import date

import pytest

from serving.web.pages.card_reading import parse_card, read_card
from training.card.card import Trained, model_card
from training.card.document import Bullets, Caution, Code, Document, Paragraph, Picture, Strong, Table
from training.fit import Fitting
from training.pictures import importances, png


@pytest.fixture(scope="module")
def card():
    blocks = [
        Paragraph("A_b is *not* bold, <b> neither."),
        Caution("Careful: 5 | 6"),
        Bullets(["one [two]", "three & four"]),
        Table(("model", "MAE"), [(Strong("Regulars"), Strong("1,234.5")), ("a | b", "+12.5%"), ("mean", "-")]),
        Picture("p.png", "A picture", b"png"),
        Code("regulars train LOG\nregulars score LOG"),
    ]
    return parse_card(Document("Model card: <x>", [Caution("Not evaluated.")], {"How good it is": blocks}).markdown())


class TestBlocks:
    def test_text_is_as_it_was_written(self, card):
        paragraph, caution, bullets, *_ = card.sections["How good it is"]
        assert card.title == "Model card: <x>"
        assert paragraph.text == "A_b is *not* bold, <b> neither."
        assert (caution.kind, caution.text) == ("caution", "Careful: 5 | 6")
        assert bullets.items == ("one [two]", "three & four")

    def test_tables_keep_their_cells_and_who_was_best(self, card):
        table = card.table("How good it is", "model", "MAE")
        assert table.columns == ("model", "MAE")
        assert [[cell.text for cell in row] for row in table.rows][1] == ["a | b", "+12.5%"]
        assert [row[1].strong for row in table.rows] == [True, False, False]

    def test_numbers_are_read_and_dashes_are_none(self, card):
        numbers = [row[1].number for row in card.table("How good it is", "MAE").rows]
        assert numbers == [1234.5, 0.125, None]

    def test_pictures_are_left_out_and_code_keeps_its_lines(self, card):
        kinds = [block.kind for block in card.sections["How good it is"]]
        assert kinds == ["paragraph", "caution", "bullets", "table", "code"]
        assert card.sections["How good it is"][-1].text == "regulars train LOG\nregulars score LOG"

    def test_a_table_that_is_not_there_is_none(self, card):
        assert card.table("How good it is", "Gini") is None
        assert card.table("Nowhere", "MAE") is None


def test_a_card_of_a_real_training_has_the_sections_that_the_page_shows(small_fitted):
    trained = Trained(small_fitted, None, Fitting(rows=2_000), {}, "run")
    found = parse_card(model_card(trained, {"importances": png(importances(small_fitted.bundle))}).markdown())
    assert str(date(1998, 4, 1)) in found.title
    assert {"What it predicts", "What it does not know", "What must not be done with it", "Data"} <= set(found.sections)
    assert found.lead[0].kind == "caution"


def test_without_a_file_there_is_no_card(tmp_path):
    assert read_card(tmp_path) is None
