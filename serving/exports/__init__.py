"""Exports: how lists leave: as files and streams, in the columns of platforms, written down."""

from serving.exports.export import Export, Stream, export_list, stream_list
from serving.exports.files import FORMATS, format_of, stream_list_rows, write_list
from serving.exports.spool import Delivery

__all__ = [
    "FORMATS",
    "Delivery",
    "Export",
    "Stream",
    "export_list",
    "format_of",
    "stream_list",
    "stream_list_rows",
    "write_list",
]
