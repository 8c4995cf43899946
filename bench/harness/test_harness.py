"""Checks what turns measurements into verdicts: python3 -m unittest discover -s bench/harness"""

import json
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import cost
import measure
import report
from works import Row, wait_share


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

    def test_the_fastest_setting_wins_and_none_is_waited_for(self):
        def speed(setting, limit):
            if "spin" in setting.name:
                measure.run(["sleep", "60"], os.environ, limit or 0.1)
            return 2 if "keep" in setting.name else 1

        self.assertIn("sleep, keep", measure.best_setting("speeds", speed).name)

    def test_the_share_of_waiting_is_weighted_with_time(self):
        with tempfile.TemporaryDirectory() as folder:
            rows = [{"kind": "step", "clips_per_second": speed, "data_wait": wait} for speed, wait in ((1, 1), (10, 0), (30, 0.4))]
            (pathlib.Path(folder) / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            self.assertAlmostEqual(wait_share(folder), 0.1)


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
