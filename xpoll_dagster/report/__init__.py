"""The report: one self-contained page about everything built from a library.

What belongs here: choosing, cutting and laying out what others computed. Nothing is
measured anew but counts, and places on the map.
"""

from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.sources import ReportError, ReportSources
from xpoll_dagster.report.writer import ReportNumbers, write_report

__all__ = ["ReportError", "ReportNumbers", "ReportOptions", "ReportSources", "write_report"]
