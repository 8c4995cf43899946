"""Checks what turns measurements into verdicts: python3 -m unittest discover -s bench/harness"""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest
from unittest import mock

import cost
import gpu_machine
import gpu_works
import measure
import report
import settings
from run_all import installed_table
from settings import OPENMP, Best, Setting
from works import Row, Step, wait_share

PTHREAD = settings.LIBRARIES / "openblas-pthread"


class Verdicts(unittest.TestCase):
    def verdict(self, ours, **row):
        return Row("work", ours, "", **row).cells()[-1]

    def test_ratio_of_medians_decides(self):
        slow, fast = [10, 10, 90], [20, 21, 60]
        self.assertEqual(self.verdict(fast, least=2, aim=3, peer=slow, relative=True), "yes")
        self.assertEqual(self.verdict(fast, least=2, aim=2.1, peer=slow, relative=True), "yes, and the aim")
        self.assertEqual(self.verdict(fast, least=2.2, aim=3, peer=slow, relative=True), "**no**")

    def test_less_memory_is_better(self):
        self.assertEqual(self.verdict([5.9], least=0.6, aim=0.4, peer=[10], relative=True, less_is_better=True), "yes")
        self.assertEqual(self.verdict([6.1], least=0.6, aim=0.4, peer=[10], relative=True, less_is_better=True), "**no**")

    def test_a_target_of_its_own_needs_no_peer(self):
        self.assertEqual(self.verdict([0.3, 0.2], least=0.25, less_is_better=True), "yes")
        self.assertEqual(self.verdict([7999], least=8000, aim=20000, peer=[1]), "**no**")

    def test_a_ratio_shows_the_range_of_paired_rounds(self):
        self.assertEqual(report.ratio([2, 4, 6], [1, 1, 2]), "4.00x (2.00-4.00)")


class Document(unittest.TestCase):
    def test_blocks_are_replaced_and_nothing_else(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(f"before\n{report.begin('a')}\nold \\1\n{report.end('a')}\nafter\n")
            report.update(page, {"a": "new \\1"})
            self.assertEqual(page.read_text(), f"before\n{report.begin('a')}\nnew \\1\n{report.end('a')}\nafter\n")
            with self.assertRaises(SystemExit):
                report.update(page, {"b": ""})

    def test_the_page_has_a_place_for_every_block_of_run_all(self):
        page = (measure.ROOT / "docs/performance.md").read_text()
        for name in ("targets", "installed", "step"):
            self.assertEqual((page.count(report.begin(name)), page.count(report.end(name))), (1, 1), name)


class Measurement(unittest.TestCase):
    def test_both_sides_start_without_tuning(self):
        with mock.patch.dict(os.environ, {"OPENBLAS_CORETYPE": "Haswell", "OMP_WAIT_POLICY": "PASSIVE", "LIBTORCH": "/there"}):
            environment = measure.clean_environment()
        self.assertNotIn("OPENBLAS_CORETYPE", environment)
        self.assertNotIn("OMP_WAIT_POLICY", environment)
        self.assertEqual(environment["LIBTORCH"], "/there")

    def test_a_failure_ends_the_benchmark_with_its_last_line(self):
        with self.assertRaisesRegex(SystemExit, "ended with 3: what went wrong"):
            measure.run(["sh", "-c", "echo first >&2; echo what went wrong >&2; exit 3"], os.environ)

    def test_of_a_traceback_the_exception_is_told_and_not_the_advice_behind_it(self):
        advice = "\nYou can suppress this exception and fall back to eager"
        self.assertEqual(measure.reason("Traceback (most recent call last):\n  File\nRuntimeError: no room" + advice), "RuntimeError: no room")
        self.assertEqual(measure.reason("Traceback (most recent call last):\ntorch._dynamo.exc.BackendCompilerFailed: no compiler\n"), "torch._dynamo.exc.BackendCompilerFailed: no compiler")
        self.assertEqual(measure.reason("Error of no traceback\nthe last line\n"), "the last line")

    def test_the_share_of_waiting_is_weighted_with_time(self):
        with tempfile.TemporaryDirectory() as folder:
            rows = [{"kind": "step", "clips_per_second": speed, "data_wait": wait} for speed, wait in ((1, 1), (10, 0), (30, 0.4))]
            (pathlib.Path(folder) / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            self.assertAlmostEqual(wait_share(folder), 0.1)


class Settings(unittest.TestCase):
    def best(self, measure_speed, default=PTHREAD):
        """The best settings on two CPUs with both builds of OpenBLAS, and all that were tried."""
        tried = []

        def speed(setting, limit):
            tried.append(setting)
            return measure_speed(setting, limit)

        with mock.patch("settings.thread_counts", return_value=[2]), mock.patch("settings.default_blas", return_value=default), \
                mock.patch("pathlib.Path.exists", return_value=True), mock.patch("settings.say"):
            return settings.best_settings("speeds", speed), tried

    def test_the_fastest_of_all_and_of_those_as_installed_are_found(self):
        speeds = {(2, True, OPENMP): 20, (2, False, OPENMP): 33, (2, True, PTHREAD): 27, (2, False, PTHREAD): 11, (1, False, PTHREAD): 31}

        def speed(setting, limit):
            return speeds[setting.threads, setting.sleep, setting.blas] + (5 if setting.keep else 0)

        best, tried = self.best(speed)
        self.assertEqual(best, Best(fastest=Setting(2, False, OPENMP, keep=True), installed=Setting(1, False, PTHREAD)))
        self.assertEqual(best.fastest.name, "2 threads, spin, keep, openblas-openmp")
        self.assertEqual(best.installed.name, "1 thread, openblas-pthread")
        self.assertEqual(len(tried), len(set(tried)), "no setting is tried twice")
        self.assertEqual([setting for setting in tried if setting.keep], [Setting(2, False, OPENMP, True), Setting(1, False, PTHREAD, True)])

    def test_what_debian_installs_may_be_the_fastest(self):
        best, _ = self.best(lambda setting, limit: 2 if setting.blas == PTHREAD and not setting.keep else 1)
        self.assertEqual(best.fastest, best.installed)

    def test_one_build_of_openblas_is_tried_once(self):
        best, tried = self.best(lambda setting, limit: 1 + setting.keep + setting.sleep, default=OPENMP)
        self.assertEqual(best, Best(fastest=Setting(2, True, OPENMP, keep=True), installed=Setting(2, True, OPENMP)))
        self.assertEqual({setting.threads for setting in tried}, {2}, "threads shared with PyTorch are not better off with one")
        self.assertEqual(len(tried), len(set(tried)))

    def test_no_setting_is_waited_for_and_a_slow_build_has_its_best_too(self):
        def speed(setting, limit):
            if setting.threads > 1 and not setting.sleep:
                measure.run(["sleep", "60"], os.environ, limit)
            command = ["sleep", "0.3" if setting.blas == PTHREAD else "0.01"]
            measure.run(command, os.environ, limit)
            return 1 if setting.blas == PTHREAD else 30

        best, tried = self.best(speed)
        self.assertEqual(best.fastest.blas, OPENMP)
        self.assertEqual(best.installed.blas, PTHREAD)
        self.assertIn(Setting(2, False, PTHREAD), tried)

    def test_a_peer_runs_with_the_blas_of_its_setting_alone(self):
        # What bench/'s scripts export, and one more folder that stays.
        with mock.patch.dict(os.environ, {"LD_LIBRARY_PATH": f"{OPENMP}:/there"}), mock.patch("settings.default_blas", return_value=PTHREAD):
            self.assertEqual(Setting(2, True, PTHREAD).environment["LD_LIBRARY_PATH"], "/there")
            self.assertEqual(Setting(2, True, OPENMP).environment["LD_LIBRARY_PATH"], f"{OPENMP}:/there")

    def test_the_blas_of_a_setting_is_what_gets_loaded(self):
        program = "import ctypes; ctypes.CDLL('libblas.so.3'); print(*(line.split()[-1] for line in open('/proc/self/maps') if 'libblas' in line))"
        with mock.patch.dict(os.environ, {"LD_LIBRARY_PATH": str(OPENMP)}):
            for setting in settings.settings():
                loaded = subprocess.run(["/usr/bin/python3", "-c", program], env=setting.environment, capture_output=True, text=True, check=True).stdout
                self.assertEqual({pathlib.Path(path).parent for path in loaded.split()}, {setting.blas}, setting.name)


class Installed(unittest.TestCase):
    """A step of tiny whose programs are not run: the settings and their speeds are given."""

    def step(self, best, peer_speeds):
        def run(precision, speed):
            same = {"framework": "m2d", "encoder": "", "decoder": "", "input": "", "patch": "", "batch": 16}
            return same | {"precision": precision, "clips_per_second": speed}

        order = []

        def our_json(*arguments):
            order.append("ours")
            return run(arguments[arguments.index("--precision") + 1], 60)

        def peer(setting, script, *arguments):
            order.append(setting)
            precision = arguments[arguments.index("--precision") + 1]
            return run(precision, peer_speeds[setting, precision])

        step = Step("tiny", 16, {"fp32": 1, "bf16": 1}, {"fp32": 9, "bf16": 9}, steps=1, tries=1)
        with mock.patch("works.best_settings", return_value=best), mock.patch("works.our_json", our_json), \
                mock.patch("works.peer", peer), mock.patch("works.peer_ways", return_value=()), mock.patch("works.say"):
            step.prepare(None)
            for turn in (1, 2):
                step.measure(turn)
        return step, order

    def test_it_is_measured_in_the_same_rounds_and_told_beside_ours(self):
        fastest, installed = best = Best(Setting(2, False, OPENMP, keep=True), Setting(2, True, PTHREAD))
        step, order = self.step(best, {(fastest, "fp32"): 30, (fastest, "bf16"): 40, (installed, "fp32"): 24, (installed, "bf16"): 20})
        self.assertEqual(order, 2 * ["ours", fastest, installed] + 2 * [installed, fastest, "ours"])
        self.assertEqual(installed_table([step]).splitlines()[2:], [
            "| M2D tiny 80x608 batch 16, fp32, clips/s | 60 (60-60) | 24 (24-24); fp32, 2 threads, sleep, openblas-pthread | 2.50x (2.50-2.50) |",
            "| M2D tiny 80x608 batch 16, bf16, clips/s | 60 (60-60) | 24 (24-24); fp32, 2 threads, sleep, openblas-pthread | 2.50x (2.50-2.50) |"])
        self.assertEqual([row.peer for row in step.rows()], [[30, 30], [40, 40]], "targets are against the fastest")

    def test_where_it_is_the_fastest_it_is_measured_once(self):
        setting = Setting(2, True, PTHREAD)
        step, order = self.step(Best(setting, setting), {(setting, "fp32"): 30, (setting, "bf16"): 40})
        self.assertEqual(order, 2 * ["ours", setting] + 2 * [setting, "ours"])
        self.assertEqual([row[3] for row in step.installed_rows()], ["2.00x (2.00-2.00)", "1.50x (1.50-1.50)"])


class GpuCheck(unittest.TestCase):
    """Works whose programs are not run: what they say is given."""

    machine = gpu_machine.Machine("cuda:0", "cuda:0", "/there", {"GPU": "one of 100 GiB"}, memory=139.0)

    def measured(self, works, our_json, peer, seconds=100, ways=gpu_works.COMPILED, rounds=3):
        with mock.patch("gpu_works.our_json", our_json), mock.patch("gpu_works.peer", peer), mock.patch("gpu_works.peer_ways", return_value=ways), \
                mock.patch("gpu_works.say"), mock.patch.object(gpu_machine.DeviceMemory, "taken", return_value=2.0):
            gpu_works.measure(works, self.machine, gpu_works.Clock(seconds), rounds)
        return gpu_works.document(works, self.machine, {"code": 0, "told": "FAILED x\n59 passed, 1 failed, 0 skipped"})

    def said(self, speed, **more):
        same = {name: "" for name in ("framework", "encoder", "decoder", "input", "patch", "batch", "precision")}
        phases = {phase: 1.0 for phase in gpu_works.PHASES if phase != "data"}
        return same | {"clips_per_second": speed, "step_ms": 4.0, "phase_ms": phases} | more

    def test_the_fastest_way_runs_in_turn_and_what_failed_is_told(self):
        order = []

        def our_json(*arguments, limit):
            order.append("ours")
            return self.said(60, gflops=40_000)

        def peer(setting, script, *arguments, limit):
            order.append(setting.ways)
            self.assertIn("cuda:0", arguments)
            if "compile" in setting.ways:
                raise measure.Failed(["python3"], 1, "RuntimeError: no compiler")
            return self.said(20 + 10 * len(setting.ways))

        text = self.measured(gpu_works.plan(self.machine)[:1], our_json, peer)
        fused = ("sdpa", "fused", "foreach")
        self.assertEqual(order, ["ours", (), ("sdpa",), fused, gpu_works.COMPILED, fused, "ours", "ours", fused])
        self.assertIn("Fixtures on cuda:0: 59 passed, 1 failed, 0 skipped.", text)
        self.assertIn("| base, batch 256, bf16 | 60 (60-60) | 50 (50-50); sdpa + fused + foreach | 1.20x (1.20-1.20) | 0 (0-0) | 0 (0-0) | 40 |", text)
        self.assertIn("| base, batch 256, bf16 | 20 | 30 | 50 | RuntimeError: no compiler |", text)
        self.assertIn("| base, batch 256, bf16 | PyTorch | 4 | - | 1 | 1 | 1 | 1 |", text)

    def test_a_work_that_ours_cannot_do_is_told_too(self):
        def our_json(*arguments, limit):
            raise measure.Failed(["otomask"], 2, "otomask: no bf16 here")

        text = self.measured(gpu_works.plan(self.machine)[:1], our_json, lambda *arguments, limit: self.said(20), ways=("sdpa",))
        self.assertIn("| base, batch 256, bf16 | otomask: no bf16 here | - |", text)
        self.assertIn("| 20 | 20 | this PyTorch has no fused foreach | this PyTorch has no fused foreach compile |", text)

    def test_no_work_takes_the_time_of_the_next(self):
        limits = {}

        def our_json(*arguments, limit):
            limits[arguments[arguments.index("--size") + 1], arguments[arguments.index("--precision") + 1]] = limit
            return self.said(60, gflops=40_000)

        def peer(setting, script, *arguments, limit):
            raise measure.TooSlow

        works = gpu_works.plan(self.machine)
        text = self.measured(works, our_json, peer, seconds=400)
        self.assertEqual([round(limit / 10) for limit in limits.values()], [10, 13, 20, 40], "what is left is shared among those to come")
        self.assertEqual(next(iter(limits)), ("base", "bf16"), "the most telling first")
        self.assertIn("no time was left", text)
        self.assertIn("no time was left", self.measured(gpu_works.plan(self.machine), our_json, peer, seconds=0))

    def test_the_batch_fits_the_memory(self):
        for memory, batch in ((139.0, 256), (80.0, 128), (40.0, 64), (12.0, 32)):
            machine = gpu_machine.Machine("cuda:0", "cuda:0", "", {}, memory)
            self.assertEqual(gpu_works.plan(machine)[0].name, f"base, batch {batch}, bf16")
        self.assertIn("tf32", gpu_works.plan(machine)[1].arguments)
        self.assertNotIn("tf32", [word for work in gpu_works.plan(gpu_machine.Machine("cpu", "cpu", "", {})) for word in work.arguments])

    def test_the_memory_of_a_device_is_the_most_that_was_taken(self):
        taken = iter([1.0, 1.5, 4.0])
        with mock.patch.object(gpu_machine.DeviceMemory, "taken", side_effect=lambda: next(taken, 2.0)), gpu_machine.DeviceMemory(self.machine) as memory:
            while memory.most < 3:
                time.sleep(0.001)
        self.assertEqual(memory.most, 3.0)


class Cost(unittest.TestCase):
    def test_parameters_are_those_of_the_model(self):
        # Counted by PyTorch over bench/pytorch/peer.py.
        self.assertEqual(cost.Model(True, "tiny", 608).trained(), 7_242_432)
        self.assertEqual(cost.Model(False, "small", 608).trained(), 23_296_768)

    def test_operations_are_those_of_the_shapes(self):
        # Base, 190 patches, 57 visible: 58 tokens online, 191 in the predictor, 134 in the target network.
        encoder = 12 * (24 * 58 * 768**2 + 4 * 58**2 * 768)
        predictor = 8 * (24 * 191 * 512**2 + 4 * 191**2 * 512) + 2 * 58 * 768 * 512 + 2 * 133 * 512 * 768
        target = 12 * (24 * 134 * 768**2 + 4 * 134**2 * 768) + 133 * 2 * 256 * 768
        self.assertAlmostEqual(cost.Model(True, "base", 608).gflop_per_clip(), (3 * (encoder + predictor) + 2 * 57 * 2 * 256 * 768 + target) / 1e9)


if __name__ == "__main__":
    unittest.main()
