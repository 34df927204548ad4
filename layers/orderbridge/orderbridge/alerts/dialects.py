"""The dialects that are understood, in the order in which they are asked. A new one is a new file and a line here."""

from dataclasses import replace

from orderbridge.alerts.alert import Alert, Refusal
from orderbridge.alerts.dialect import Context, Dialect
from orderbridge.alerts.native import Native
from orderbridge.alerts.reading import Body

DIALECTS: tuple[Dialect, ...] = (Native(),)

_UNREADABLE = Refusal("not_understood", "", "The message is in no form that is known here.", "See docs/alerts.md.")


def read_alert(body: Body, context: Context) -> Alert | Refusal:
    """Read a message in the first dialect that recognises it; the notes tell what was repaired in it."""
    for dialect in DIALECTS:
        if dialect.recognises(body):
            read = dialect.read(body, context)
            return replace(read, notes=body.notes + read.notes) if isinstance(read, Alert) and body.notes else read
    return body.refusal or _UNREADABLE
