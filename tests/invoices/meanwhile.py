"""Work that begins while other work is at one of its statements: one waits for the other, on PostgreSQL alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection as database
from django.db import connections as databases

from tests.servers import wait_until


@pytest.fixture
def beside():
    """beside(work, *arguments): it runs beside the test, which goes on at once; its future."""
    pool = ThreadPoolExecutor(3)

    def run(work, *arguments):
        def closing():
            try:
                return work(*arguments)
            finally:
                databases.close_all()

        return pool.submit(closing)

    yield run
    pool.shutdown()


@pytest.fixture
def start(beside):
    """start(work, *arguments): the same, and the test goes on once somebody more waits for a lock."""

    def waiting():
        with database.cursor() as cursor:
            # Of this database alone: the server has those of the tests that run beside this one, too. Who waits for the
            # end of a transaction names no database in that line, but holds its tables in others. (pg_stat_activity
            # would name it and stays as it was when a transaction first looked.)
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_locks"
                " WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
            )
            return cursor.fetchone()[0]

    def run(work, *arguments):
        before, begun = waiting(), beside(work, *arguments)
        wait_until(lambda: begun.done() or waiting() > before, seconds=10, what="it has begun")
        return begun

    return run


@pytest.fixture
def meanwhile(start):
    """meanwhile(statement, begin, work): `begin` begins when `work` has just made the first statement with this text.
    Both end; what `begin` answers.
    """

    def run(statement, begin, work):
        begun = []

        def wrapper(execute, sql, parameters, many, context):
            answer = execute(sql, parameters, many, context)
            if statement in sql and not begun:
                begun.append(start(begin))
            return answer

        with database.execute_wrapper(wrapper):
            work()
        return begun[0].result(20)

    return run
