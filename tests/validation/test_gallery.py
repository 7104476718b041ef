"""The checks of the texts of sheets, on figures that have the faults on purpose."""

from __future__ import annotations

from matplotlib.figure import Figure

from wgflow.app.validation.finding import load_validation

module = load_validation("gallery")


def figure_with(*places):
    """A figure of words at places, in parts of its size."""
    figure = Figure(figsize=(4.0, 3.0), dpi=100)
    for number, (x, y) in enumerate(places):
        figure.text(x, y, f"word {number}")
    return figure


def test_texts_beyond_the_edge_are_found():
    figure = figure_with((0.1, 0.5), (0.95, 0.5))
    assert module.cut_off(figure, module.boxes_of(figure)) == ["1: word 1"]


def test_texts_on_each_other_are_found():
    boxes = module.boxes_of(figure_with((0.1, 0.5), (0.12, 0.51), (0.5, 0.5)))
    assert module.on_each_other(boxes) == ["0: word 0 on 1: word 1"]


def test_panels_need_letters_and_last_values():
    figure = Figure()
    first, second = figure.subplots(1, 2)
    for axes in (first, second):
        axes.plot([0.0, 1.0], [1.0, 0.5])
        axes.set_xlabel("time $t$")
    first.set_title(r"$\bf{A}$   Risk", loc="left")
    second.set_title("Mass", loc="left")
    first.annotate("$0.500$", (0.2, 0.7))
    assert module.without_letter([first, second]) == ["Mass"]
    assert module.without_end([first, second]) == ["Mass"]
    (row,) = module.rows_of("a run", figure, "line")
    assert (row.value, row.passed) == (2, False)
    assert row.beside.startswith("line: 2 panels; without letter: Mass; without last value: Mass")


def test_problems_come_by_every_solver_that_takes_them(monkeypatch):
    shipped = module.shipped_problems()
    monkeypatch.setattr(module, "shipped_problems", lambda: [path for path in shipped if path.stem == "quadratic"])
    names = [name for name, _ in module.problems(quick=True)]
    assert names == [f"quadratic, {solver}" for solver in ("finite_volume", "particles", "characteristics", "jko")]
