"""Platforms: the formats of advertising and mailing platforms by name."""

from serving.exports.audience import Platform
from serving.exports.customer_match import GOOGLE
from serving.exports.klaviyo import KLAVIYO
from serving.exports.meta import META

PLATFORMS: dict[str, Platform] = {"google": GOOGLE, "meta": META, "klaviyo": KLAVIYO}
PHONES = ("Phone Number",)
"""Columns of telephone numbers that stay readable."""
