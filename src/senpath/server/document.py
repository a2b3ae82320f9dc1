"""The OpenAPI document, with the bodies that operations read themselves."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fastapi import FastAPI


def complete(app: FastAPI) -> None:
    """Let an application's document hold the definitions that declared bodies bring along, where references find them."""
    begin = app.openapi

    @cache
    def openapi() -> dict[str, Any]:
        definitions: dict[str, Any] = {}

        def take(schema: dict[str, Any]) -> dict[str, Any]:
            definitions.update(schema.pop("$defs", {}))
            return schema

        text = json.dumps(begin()).replace('"#/$defs/', '"#/components/schemas/')
        document: dict[str, Any] = json.loads(text, object_hook=take)
        document["components"]["schemas"] |= definitions
        return document

    app.openapi = openapi  # type: ignore[method-assign]
