"""The Pipedrive stand-in: OAuth, REST API versions 1 and 2, pages with the host side of App Extensions."""

from .app import PEOPLE_PATHS, create_app, fault_answer
from .changes import control_routes
from .world import World

__all__ = ["PEOPLE_PATHS", "World", "control_routes", "create_app", "fault_answer"]
