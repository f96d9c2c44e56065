"""The stages of Pipedrive's pipelines, to which a deal can be moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from integration_settings.kept_lists import ONE_HOUR, Row, Rows, kept
from integration_settings.models import PipedriveUser
from integration_settings.pipedrive import PipedriveClient


@dataclass(frozen=True, slots=True)
class Stage:
    id: int
    name: str
    pipeline_id: int
    pipeline: str


def stages(user: PipedriveUser, max_age: timedelta = ONE_HOUR) -> list[Stage]:
    """Of all pipelines, one after the other, each in its own order. Raises as `kept` does."""
    client = PipedriveClient(user)
    return kept(user.company, "pipedrive_stages", lambda: _read(client), _stage, max_age)


def _stage(row: Row) -> Stage:
    return Stage(row["id"], row["name"], row["pipeline_id"], row["pipeline"])


def _read(client: PipedriveClient) -> Rows:
    pipelines = {int(each["id"]): str(each.get("name") or each["id"]) for each in client.pipelines() if each.get("id")}
    found = [
        {
            "id": int(each["id"]),
            "name": str(each.get("name") or each["id"]),
            "pipeline_id": int(each["pipeline_id"]),
            "pipeline": pipelines[int(each["pipeline_id"])],
        }
        for each in client.stages()
        if each.get("id") and each.get("pipeline_id") in pipelines
    ]
    return sorted(found, key=lambda row: list(pipelines).index(row["pipeline_id"]))
