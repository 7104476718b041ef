"""What to cite for a run: the methods that it used, as BibTeX."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wgflow.problems.models import ProblemFile


class Citation(NamedTuple):
    """A publication, and whether a problem uses what it describes."""

    bibtex: str
    why: str
    used: Callable[[ProblemFile], bool]


def citations_of(config: ProblemFile) -> list[Citation]:
    """Publications whose methods a problem file uses, that of the equation first.

    Parameters
    ----------
    config : ProblemFile
        The sections of the problem.
    """
    return [citation for citation in _CITATIONS if citation.used(config)]


def format_citations(citations: list[Citation]) -> str:
    """BibTeX entries, each with a comment that says what it is for."""
    return "\n\n".join(f"% {citation.why}\n{citation.bibtex}" for citation in citations)


def _explicit(config: ProblemFile) -> bool:
    return config.solver.kind == "finite_volume" and config.finite_volume.stepper.startswith("ssp")


def _limiter(config: ProblemFile) -> str | None:
    return config.with_limiter().finite_volume.limiter if config.limits_slopes else None


def _particles(config: ProblemFile) -> bool:
    return config.solver.kind == "particles"


def _normalised(config: ProblemFile) -> bool:
    return config.solver.kind == "normalised"


_CITATIONS = (
    Citation(
        """@inproceedings{BachChizat2022,
  author    = {Bach, Francis and Chizat, L{\\'e}na{\\"i}c},
  title     = {Gradient descent on infinitely wide neural networks: global convergence and generalization},
  booktitle = {Proceedings of the International Congress of Mathematicians 2022},
  year      = {2022},
  eprint    = {2110.08084},
  archiveprefix = {arXiv},
}""",
        "the flow, and its form on the sphere",
        lambda _: True,
    ),
    Citation(
        """@article{GottliebShuTadmor2001,
  author  = {Gottlieb, Sigal and Shu, Chi-Wang and Tadmor, Eitan},
  title   = {Strong stability-preserving high-order time discretization methods},
  journal = {SIAM Review},
  volume  = {43},
  number  = {1},
  pages   = {89--112},
  year    = {2001},
}""",
        "explicit Runge-Kutta steps that keep the density nonnegative",
        _explicit,
    ),
    Citation(
        """@article{vanLeer1977,
  author  = {van Leer, Bram},
  title   = {Towards the ultimate conservative difference scheme. {IV}. A new approach to numerical convection},
  journal = {Journal of Computational Physics},
  volume  = {23},
  number  = {3},
  pages   = {276--299},
  year    = {1977},
}""",
        "the MC limiter",
        lambda config: _limiter(config) == "mc",
    ),
    Citation(
        """@article{vanLeer1974,
  author  = {van Leer, Bram},
  title   = {Towards the ultimate conservative difference scheme. {II}. Monotonicity and conservation combined in a
             second-order scheme},
  journal = {Journal of Computational Physics},
  volume  = {14},
  number  = {4},
  pages   = {361--370},
  year    = {1974},
}""",
        "the van Leer limiter",
        lambda config: _limiter(config) == "van_leer",
    ),
    Citation(
        """@inproceedings{BarthJespersen1989,
  author    = {Barth, Timothy J. and Jespersen, Dennis C.},
  title     = {The design and application of upwind schemes on unstructured meshes},
  booktitle = {27th Aerospace Sciences Meeting},
  publisher = {AIAA},
  year      = {1989},
  number    = {89-0366},
  doi       = {10.2514/6.1989-366},
}""",
        "the limiter on spheres",
        lambda config: _limiter(config) == "barth_jespersen",
    ),
    Citation(
        """@article{BankEtAl1985,
  author  = {Bank, Randolph E. and Coughran, William M. and Fichtner, Wolfgang and Grosse, Eric H. and Rose, Donald J.
             and Smith, R. Kent},
  title   = {Transient simulation of silicon devices and circuits},
  journal = {IEEE Transactions on Electron Devices},
  volume  = {32},
  number  = {10},
  pages   = {1992--2007},
  year    = {1985},
}""",
        "the implicit method TR-BDF2",
        lambda config: config.solver.kind == "finite_volume" and config.finite_volume.stepper == "tr_bdf2",
    ),
    Citation(
        """@article{ScharfetterGummel1969,
  author  = {Scharfetter, Donald L. and Gummel, Hermann K.},
  title   = {Large-signal analysis of a silicon {Read} diode oscillator},
  journal = {IEEE Transactions on Electron Devices},
  volume  = {16},
  number  = {1},
  pages   = {64--77},
  year    = {1969},
}""",
        "implicit fluxes of diffusion and drift",
        lambda config: (
            config.solver.kind == "finite_volume" and config.finite_volume.stepper in {"backward_euler", "tr_bdf2"}
        ),
    ),
    Citation(
        """@book{HairerNorsettWanner1993,
  author    = {Hairer, Ernst and N{\\o}rsett, Syvert P. and Wanner, Gerhard},
  title     = {Solving Ordinary Differential Equations {I}: Nonstiff Problems},
  edition   = {2},
  publisher = {Springer},
  year      = {1993},
}""",
        "the adaptive integrator DOP853",
        lambda config: (
            config.solver.kind == "characteristics" or (_particles(config) and config.particles.method == "adaptive")
        ),
    ),
    Citation(
        """@article{Chizat2022,
  author  = {Chizat, L{\\'e}na{\\"i}c},
  title   = {Sparse optimization on measures with over-parameterized gradient descent},
  journal = {Mathematical Programming},
  volume  = {194},
  pages   = {487--532},
  year    = {2022},
}""",
        "descent with multiplicative weights",
        lambda config: _particles(config) and config.particles.method == "mirror",
    ),
    Citation(
        """@article{MeiMontanariNguyen2018,
  author  = {Mei, Song and Montanari, Andrea and Nguyen, Phan-Minh},
  title   = {A mean field view of the landscape of two-layer neural networks},
  journal = {Proceedings of the National Academy of Sciences},
  volume  = {115},
  number  = {33},
  pages   = {E7665--E7671},
  year    = {2018},
}""",
        "noisy descent of particles",
        lambda config: _particles(config) and config.particles.method == "langevin",
    ),
    Citation(
        """@article{JordanKinderlehrerOtto1998,
  author  = {Jordan, Richard and Kinderlehrer, David and Otto, Felix},
  title   = {The variational formulation of the {Fokker}--{Planck} equation},
  journal = {SIAM Journal on Mathematical Analysis},
  volume  = {29},
  number  = {1},
  pages   = {1--17},
  year    = {1998},
}""",
        "variational steps",
        lambda config: config.solver.kind == "jko",
    ),
    Citation(
        """@article{GallouetMonsaingeon2017,
  author  = {Gallou{\\"e}t, Thomas O. and Monsaingeon, L{\\'e}onard},
  title   = {A {JKO} splitting scheme for {Kantorovich}--{Fisher}--{Rao} gradient flows},
  journal = {SIAM Journal on Mathematical Analysis},
  volume  = {49},
  number  = {2},
  pages   = {1100--1130},
  year    = {2017},
}""",
        "variational steps of flows with reaction",
        lambda config: config.solver.kind == "jko" and config.solver.reaction != 0.0,
    ),
    Citation(
        """@inproceedings{ChizatBach2020,
  author    = {Chizat, L{\\'e}na{\\"i}c and Bach, Francis},
  title     = {Implicit bias of gradient descent for wide two-layer neural networks trained with the logistic loss},
  booktitle = {Proceedings of the 33rd Conference on Learning Theory},
  series    = {Proceedings of Machine Learning Research},
  volume    = {125},
  pages     = {1305--1338},
  year      = {2020},
}""",
        "the flow of diverging mass in normalised form, and its limit",
        _normalised,
    ),
    Citation(
        """@article{Rockafellar1976,
  author  = {Rockafellar, R. Tyrrell},
  title   = {Monotone operators and the proximal point algorithm},
  journal = {SIAM Journal on Control and Optimization},
  volume  = {14},
  number  = {5},
  pages   = {877--898},
  year    = {1976},
}""",
        "proximal steps",
        _normalised,
    ),
)
