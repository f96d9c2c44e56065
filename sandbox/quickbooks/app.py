"""Puts the service together."""

from __future__ import annotations

from starlette.applications import Starlette

from ..clock import Clock
from ..config import Config
from ..faults import Faults
from .api import Api
from .consent import Consent
from .oauth import OAuth
from .pages import Pages
from .world import World


def create_app(world: World, clock: Clock, faults: Faults, config: Config) -> Starlette:
    return Starlette(
        routes=[
            *Api(world, config).routes(),
            *OAuth(world.grants, config).routes(),
            *Consent(world, config).routes(),
            *Pages(world, config).routes(),
        ]
    )
