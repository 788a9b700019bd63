"""Query and path parameters, read in one go.

FastAPI takes parameters one by one, looks anew at their types for each request, and makes stac-fastapi's request
models in a thread, since any class might block. For a search with its 14 parameters that takes longer than all of our
own code. Here a pydantic model made once from the same annotations checks them all, in place. FastAPI still
describes them in the OpenAPI definition.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, get_type_hints

from fastapi import APIRouter, Depends, params
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError, create_model
from stac_fastapi.types.search import APIRequest
from starlette.requests import Request


class InPlaceRouter(APIRouter):
    """A router whose routes read the parameters of stac-fastapi's request models in one go."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route; see `fastapi.APIRouter`."""
        if any(_model_of(parameter) for parameter in inspect.signature(endpoint).parameters.values()):
            if described := _described(path, endpoint):
                extra = options.get("openapi_extra") or {}
                options["openapi_extra"] = {**extra, "parameters": described}
            endpoint = _reading_in_place(endpoint)
        super().add_api_route(path, endpoint, **options)


def _model_of(parameter: inspect.Parameter) -> type[APIRequest] | None:
    """Return the request model that a parameter of an endpoint depends on, if that is what it does."""
    if not isinstance(parameter.default, params.Depends):
        return None
    model = parameter.default.dependency
    return model if isinstance(model, type) and issubclass(model, APIRequest) else None


def _described(path: str, endpoint: Callable[..., Any]) -> list[dict[str, Any]]:
    """Return the parameters of an endpoint as FastAPI describes them."""
    document = get_openapi(title="", version="", routes=[APIRoute(path, endpoint, methods=["GET"])])
    parameters: list[dict[str, Any]] = document["paths"][path]["get"].get("parameters", [])
    return parameters


def _reading_in_place(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(endpoint)
    parameters = [
        parameter.replace(default=Depends(_reader(model))) if (model := _model_of(parameter)) else parameter
        for parameter in signature.parameters.values()
    ]
    # FastAPI reads this in place of the function's own.
    endpoint.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return endpoint


def _reader(model: type[APIRequest]) -> Callable[[Request], Awaitable[APIRequest]]:
    """Return what makes a request model from a request.

    It raises RequestValidationError in the words that FastAPI would have used.
    """
    hints = get_type_hints(model.__init__, include_extras=True)
    signature = inspect.signature(model)
    fields: dict[str, Any] = {
        name: (hints[name], ... if parameter.default is inspect.Parameter.empty else parameter.default)
        for name, parameter in signature.parameters.items()
    }
    checked: type[BaseModel] = create_model(f"{model.__name__}Parameters", **fields)

    async def read(request: Request) -> APIRequest:
        # A parameter of the path is no parameter of the query, whatever its name.
        given = {**request.query_params, **request.path_params}
        try:
            values = checked.model_validate(given)
        except ValidationError as error:
            problems = [{**problem, "loc": ("query", *problem["loc"])} for problem in error.errors()]
            raise RequestValidationError(problems) from error
        return model(**{name: getattr(values, name) for name in fields})

    return read
