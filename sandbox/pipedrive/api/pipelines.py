"""Pipelines and stages, version 2. Rests on https://developers.pipedrive.com/docs/api/v1/Stages."""

from __future__ import annotations

from starlette.responses import Response

from ..wire import RefusalError, success
from .calls import Call
from .paging import page


async def list_pipelines(call: Call) -> Response:
    return page(call.company.pipelines.values(), call.query)


async def list_stages(call: Call) -> Response:
    wanted = call.query.get("pipeline_id")
    return page([stage for stage in call.company.stages.values() if wanted in (None, stage["pipeline_id"])], call.query)


async def get_stage(call: Call) -> Response:
    stage = call.company.stages.get(call.id)
    if stage is None:
        raise RefusalError(404, "Stage not found")
    return success(stage)
