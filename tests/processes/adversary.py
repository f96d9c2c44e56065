"""Who kills, stops, cuts, delays and forgets while people press "Create invoice"."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import Error as DatabaseError
from django.db import connection

from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.processes.ledger import Ledger

ALONE = os.environ.get("LEDGER_ALONE") == "yes"
"""Nobody else works on this PostgreSQL, so that it may crash."""


CLOCKS = (-600, -90, -5, 0, 5, 90, 600)  # seconds by which a machine’s may be wrong


class Adversary:
    """Kills, stops, cuts, delays and forgets, one deed after the other, until it is told to stop."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.dice = ledger, random.Random(f"adversary {ledger.seed}")
        self.did: Counter[str] = Counter()

    @property
    def account(self) -> str:
        return ", ".join(f"{count} × {name.replace('_', ' ')}" for name, count in sorted(self.did.items()))

    def deeds(self) -> list[Callable[[], None]]:
        return [
            self.kill_a_worker, self.stop_a_worker, self.jump_a_clock, self.kill_the_web, self.empty_redis,
            self.restart_redis, self.cut_redis, self.stop_redis, self.fill_redis, self.make_redis_a_replica,
            self.cut_the_database,
            self.make_the_database_a_replica, self.crash_the_database if ALONE else self.cut_the_database,
            self.lose_answers, self.fail_after_the_work, self.fail_before, self.delay, self.end_access_tokens,
            self.bookkeeper,
        ]  # fmt: skip

    def act(self) -> None:
        deed = self.dice.choice(self.deeds())
        self.did[deed.__name__] += 1
        deed()

    def kill_a_worker(self) -> None:
        self.again(self.dice.randrange(len(self.ledger.machines)))

    def stop_a_worker(self) -> None:
        machine = self.dice.choice(self.ledger.machines)
        self.ledger.signal(machine, signal.SIGSTOP)
        time.sleep(self.dice.uniform(1, 4))  # how long it stands still is the fault
        self.ledger.signal(machine, signal.SIGCONT)

    def jump_a_clock(self) -> None:
        """A worker or a beat goes on, on a machine whose clock is wrong by up to ten minutes."""
        number = self.dice.randrange(len(self.ledger.machines))
        self.ledger.clocks[number] = self.dice.choice(CLOCKS)
        self.again(number)

    def again(self, number: int) -> None:
        self.ledger.machines[number].kill()
        self.ledger.machines[number] = self.ledger.starters[number](clock=self.ledger.clocks[number])

    def kill_the_web(self) -> None:
        self.ledger.web.kill()
        self.ledger.web = self.ledger.start_web()
        self.ledger.web.wait_until_ready()

    def empty_redis(self) -> None:
        import redis

        client = redis.Redis.from_url(self.ledger.redis.url)
        client.flushall()
        client.close()

    def restart_redis(self) -> None:
        self.ledger.redis.kill()
        time.sleep(self.dice.uniform(0, 2))  # how long it is away is the fault
        self.ledger.redis = self.ledger.start_redis()
        self.ledger.redis.wait_until_ready()

    def cut_redis(self) -> None:
        """It closes every connection and takes new ones at once, as a proxy in front of it does in a fail-over."""
        import redis

        client = redis.Redis.from_url(self.ledger.redis.url)
        for kind in ("pubsub", "normal"):
            client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        client.close()

    def stop_redis(self) -> None:
        """It takes connections and says nothing."""
        os.kill(self.ledger.redis.popen.pid, signal.SIGSTOP)
        time.sleep(self.dice.uniform(2, 15))  # how long it stands still is the fault
        os.kill(self.ledger.redis.popen.pid, signal.SIGCONT)

    def fill_redis(self) -> None:
        """It takes nothing more: another program on its machine has filled it."""
        self.while_redis("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0")

    def make_redis_a_replica(self) -> None:
        """As after a fail-over that the app's address does not follow: it reads and writes nothing."""
        self.while_redis("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE")

    def while_redis(self, begin: str, end: str) -> None:
        import redis

        client = redis.Redis.from_url(self.ledger.redis.url)
        client.execute_command(*begin.split())
        time.sleep(self.dice.uniform(2, 8))  # how long it lasts is the fault
        client.execute_command(*end.split())
        client.close()

    def cut_the_database(self) -> None:
        """As when PostgreSQL restarts: every connection of the app dies at once, in the middle of whatever it does."""
        cut_other_connections()

    def make_the_database_a_replica(self) -> None:
        """As after a fail-over that the app's address does not follow: it is read, and takes nothing."""
        say_of_database("SET default_transaction_read_only = on")
        cut_other_connections()
        time.sleep(self.dice.uniform(2, 8))  # how long it lasts is the fault
        say_of_database("RESET default_transaction_read_only")
        cut_other_connections()

    def crash_the_database(self) -> None:
        crash_postgres()

    def write(self) -> str:
        return self.dice.choice(["/invoice$", "/customer$"])

    def lose_answers(self) -> None:
        self.ledger.control.fault("lost", method="POST", path=self.write(), times=self.dice.randint(1, 3))

    def fail_after_the_work(self) -> None:
        self.ledger.control.fault("error_after", method="POST", path=self.write(), times=1, status=500)

    def fail_before(self) -> None:
        kind = self.dice.choice(["status", "reset", "html"])
        self.ledger.control.fault(kind, method="POST", path=self.write(), times=self.dice.randint(1, 3))

    def delay(self) -> None:
        """Some are longer than a row stays handed out, so that a second worker meets it."""
        seconds = self.dice.choice([1, 3, 12])
        self.ledger.control.fault("hang", method="POST", path=self.write(), times=2, seconds=seconds)

    def end_access_tokens(self) -> None:
        self.ledger.control.expire_tokens("quickbooks", self.dice.choice(self.ledger.tenants).realm, "access")

    def bookkeeper(self) -> None:
        """A payment or a void, of an invoice that is there already."""
        realm = self.dice.choice(self.ledger.tenants).realm
        ours = [row for row in self.ledger.control.books(realm)["invoices"] if "Pipedrive deal" in note_of(row)]
        if not ours:
            return
        row = self.dice.choice(ours)
        if self.dice.random() < 0.3:
            self.ledger.control.book(realm, "void", id=row["Id"])
        elif row["Balance"]:
            self.ledger.control.book(realm, "payment", id=row["Id"], amount=self.dice.choice([row["Balance"], 1]))


def cut_other_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def say_of_database(change: str) -> None:
    """Holds for connections that are made from now on; ours was there before."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {connection.ops.quote_name(connection.settings_dict['NAME'])} {change}")


def crash_postgres() -> None:
    """Kills one of its processes, after which it ends all others and recovers from what it had written down."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    os.kill(pid, signal.SIGKILL)
    connection.close()
    wait_until(has_recovered, what="PostgreSQL has recovered")


def has_recovered() -> bool:
    """It lets people in for a moment before it notices that one of its processes died."""
    try:
        connection.ensure_connection()
        time.sleep(0.5)  # until it notices: a connection made before that is ended with the others
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connection.close()
        return False
    return True


def keep_what_is_committed() -> None:
    """The tests' PostgreSQL forgets the last moment in a crash, which is quicker."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET synchronous_commit = on")
        cursor.execute("SELECT pg_reload_conf()")


def note_of(row: dict[str, Any]) -> str:
    return str(row.get("PrivateNote", ""))
