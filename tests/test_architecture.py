"""The arrows between the modules, read from the source itself. One that points the wrong way fails here by name.

The coarse layers stand in pyproject.toml, for import-linter; what needs words stands here.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APP = ("pipedrive_qb", "integration_settings", "invoices")
LONGEST_MODULE = 500


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@dataclass(frozen=True)
class Module:
    path: Path

    @property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def tree(self) -> ast.Module:
        return parsed(self.path)

    @cached_property
    def imports(self) -> frozenset[str]:
        """Every imported module, and every name out of one, dotted and absolute."""
        return frozenset(self.imported())

    def imported(self) -> Iterator[str]:
        package = self.name.split(".") if self.path.name == "__init__.py" else self.name.split(".")[:-1]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                origin = ".".join([*base, *([node.module] if node.module else [])])
                yield origin
                yield from (f"{origin}.{alias.name}" for alias in node.names)


@cache
def modules(*packages: str) -> list[Module]:
    """All modules of some packages, without migrations."""
    found = [Module(path) for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return [module for module in found if "migrations" not in module.path.parts]


def importers(prefix: str, *packages: str) -> set[str]:
    """Modules that import `prefix` or anything below it."""
    return {
        module.name
        for module in modules(*packages)
        if any(name == prefix or name.startswith(prefix + ".") for name in module.imports)
    }


def layer(name: str) -> str:
    """The part of a module's name that says what it is: `invoices.views.panel` -> `views`."""
    return name.split(".")[1] if "." in name else name


def test_the_rules_look_at_all_of_the_app():
    names = {module.name for module in modules(*APP)}
    assert {"integration_settings.http", "invoices.domain.status", "pipedrive_qb.settings"} <= names


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("requests", {"integration_settings.http", "integration_settings.sockets"}),
        ("urllib3", {"integration_settings.http", "integration_settings.sockets"}),
        ("httpx", set()),
        ("urllib.request", set()),
        ("quickbooks", {"integration_settings.quickbooks"}),
        ("intuitlib", {"integration_settings.oauth"}),
        ("jwt", {"integration_settings.tenancy"}),
        ("cryptography", {"integration_settings.crypto", "integration_settings.checks"}),
        ("redis", {"pipedrive_qb.cache"}),
        ("sentry_sdk", {"pipedrive_qb.error_reports"}),
        (
            "celery",
            {
                "pipedrive_qb",
                "pipedrive_qb.beat",
                "pipedrive_qb.celery",
                "integration_settings.tasks",
                "invoices.tasks",
            },
        ),
    ],
)
def test_each_library_has_its_one_place(library, allowed):
    assert importers(library, *APP) <= allowed


def test_the_domain_needs_nothing_but_the_standard_library():
    for module in modules("invoices/domain"):
        foreign = {
            name
            for name in module.imports
            if not name.startswith("invoices.domain") and name.split(".")[0] not in sys.stdlib_module_names
        }
        assert not foreign, f"{module.name} imports {sorted(foreign)}"


def test_the_domain_looks_at_no_clock():
    for module in modules("invoices/domain"):
        calls = {
            ast.unparse(node.func)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        clocks = {call for call in calls if call.endswith((".now", ".today", ".utcnow", "time.time", ".monotonic"))}
        assert not clocks, f"{module.name} calls {sorted(clocks)}; today is an argument"


def test_views_forms_and_addresses_call_no_client():
    clients = {f"integration_settings.{name}" for name in ("http", "pipedrive", "quickbooks")}
    for module in modules("integration_settings", "invoices"):
        if layer(module.name) in ("views", "forms", "urls", "webhooks"):
            called = clients & module.imports
            assert not called, f"{module.name} imports {sorted(called)}"


def test_the_stand_ins_and_the_app_share_nothing():
    assert importers("sandbox", *APP) == set()
    for package in (*APP, "django"):
        assert importers(package, "sandbox") == set()


def test_nothing_of_the_product_imports_its_tests():
    assert importers("tests", *APP, "sandbox") == set()


def test_settings_alone_reads_the_environment():
    readers = set()
    for module in modules(*APP):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"):
                readers.add(module.name)
        if "environ" in module.imports:
            readers.add(module.name)
    # The three entry points name the settings module, which Django itself expects in the environment.
    assert readers <= {"pipedrive_qb.settings", "pipedrive_qb.variables", "pipedrive_qb.celery", "pipedrive_qb.wsgi"}
    for name in ("celery", "wsgi"):
        source = (ROOT / "pipedrive_qb" / f"{name}.py").read_text()
        assert source.count("os.environ") == 1
        assert 'os.environ.setdefault("DJANGO_SETTINGS_MODULE"' in source


@pytest.mark.parametrize("module", modules(*APP, "sandbox", "script"), ids=lambda module: module.name)
def test_no_module_grows_beyond_what_one_reads_in_one_go(module):
    assert len(module.path.read_text().splitlines()) <= LONGEST_MODULE


def test_the_map_of_the_rooms_names_every_module_and_no_other():
    rows = re.findall(r"^\| `([a-z_/]+)/`.*?\| (.*) \|$", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
    named = [
        f"{folder.replace('/', '.')}.{name}" for folder, names in rows for name in re.findall("`([a-z_]+)`", names)
    ]
    assert sorted(named) == sorted(module.name for module in modules(*APP) if module.path.name != "__init__.py")


def test_no_module_is_named_for_nothing():
    homeless = {"utils", "helpers", "managers", "common", "misc"}
    assert not {module.name for module in modules(*APP, "sandbox") if homeless & set(module.name.split("."))}
