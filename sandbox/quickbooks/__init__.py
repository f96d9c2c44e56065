"""The stand-in of QuickBooks Online."""

from .api import fault_answer
from .app import create_app
from .control import control_routes
from .world import World

PEOPLE_PATHS = ("/connect/", "/web", "/favicon")

__all__ = ["PEOPLE_PATHS", "World", "control_routes", "create_app", "fault_answer"]
