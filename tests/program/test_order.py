"""The calls of a plan are sent one by one, in the order of their tasks."""

import asyncio
import time

import pytest

from components.engine.order import OneByOne


def test_calls_run_one_at_a_time_in_the_order_of_their_tasks():
    ran = []

    def call(number):
        ran.append(("begin", number))
        time.sleep(0.001)
        ran.append(("end", number))
        return number

    async def task(number):
        # The later a task is, the earlier it is ready.
        for _ in range(20 - number):
            await asyncio.sleep(0)
        return await asyncio.get_running_loop().run_in_executor(None, call, number)

    async def program():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(OneByOne(loop))
        return await asyncio.gather(*[task(number) for number in range(20)])

    assert asyncio.run(program()) == list(range(20))
    assert ran == [(what, number) for number in range(20) for what in ("begin", "end")]


def test_a_named_task_may_call():
    async def program():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(OneByOne(loop))
        calling = [loop.create_task(asyncio.to_thread(str, name), name=name) for name in ("reader", "reader-x", "r-2")]
        return await asyncio.gather(*calling)

    assert asyncio.run(program()) == ["reader", "reader-x", "r-2"]


def test_a_failed_call_fails_only_its_caller():
    async def program():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(OneByOne(loop))
        failing = loop.run_in_executor(None, lambda: 1 / 0)
        cancelled = loop.run_in_executor(None, lambda: 2)
        cancelled.cancel()
        with pytest.raises(ZeroDivisionError):
            await failing
        return await loop.run_in_executor(None, lambda: 3)

    assert asyncio.run(program()) == 3
