"""What a service of the stand-ins is told at the start."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Config:
    """`url` is the service's own address; `app_url` may change later, since a test's app gets its port after us."""

    url: str
    app_url: str
    callback_path: str
    client_id: str
    client_secret: str
    throttle: bool = True
    verifier_token: str = ""
    """Signs QuickBooks' notices; without it none is sent."""
    neighbours: dict[str, str] = field(default_factory=dict)
    """Addresses of all stand-ins by service, for links from one to the other."""

    @property
    def redirect_uri(self) -> str:
        """The one registered redirect address; compared letter by letter."""
        return self.app_url.rstrip("/") + self.callback_path


def pipedrive(
    url: str = "http://127.0.0.1:8010",
    app_url: str = "http://localhost:8000",
    client_id: str = "demo-pipedrive-client",
    client_secret: str = "demo-pipedrive-secret-0123456789abcdef",  # noqa: S107
    throttle: bool = True,
) -> Config:
    return Config(url, app_url, "/pipedrive/callback", client_id, client_secret, throttle)


def quickbooks(
    url: str = "http://127.0.0.1:8020",
    app_url: str = "http://localhost:8000",
    client_id: str = "demo-quickbooks-client",
    client_secret: str = "demo-quickbooks-secret-0123456789abcdef",  # noqa: S107
    throttle: bool = True,
    *,
    verifier_token: str = "",
) -> Config:
    return Config(url, app_url, "/quickbooks/callback", client_id, client_secret, throttle, verifier_token)
