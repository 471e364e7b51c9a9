"""Progress as JSON lines on stdout, for people and for the broker."""

import json


def report(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}, ensure_ascii=False), flush=True)
