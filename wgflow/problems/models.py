"""The sections of a problem file, declared once: types, ranges, defaults and what they mean."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

GAUSSIAN_TEACHER = "gaussian_teacher"
DESCENTS = ("euler", "mirror")

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Tolerance = Annotated[float, Field(ge=1e-13, le=0.1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Vector = Annotated[list[Finite], Field(min_length=1)]


def _check_rows(rows: list[list[float]]) -> list[list[float]]:
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"has rows of lengths {[len(row) for row in rows]}; give rows of equal length")
    return rows


Matrix = Annotated[list[Vector], Field(min_length=1), AfterValidator(_check_rows)]


class Section(BaseModel):
    """Base of all sections: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TeacherSection(Section):
    """A teacher network, by angles in the plane or by directions in any dimension."""

    angles: Vector | None = Field(None, description="directions in the plane, in radians")
    directions: Matrix | None = Field(None, description="input weights, one row per neuron")
    weights: Vector = Field(description="output weights, one per neuron")

    @model_validator(mode="after")
    def _one_form(self) -> TeacherSection:
        if (self.angles is None) == (self.directions is None):
            raise ValueError("needs exactly one of angles and directions")
        count = len(self.angles if self.angles is not None else self.directions or [])
        if count != len(self.weights):
            raise ValueError(f"has {count} neurons but {len(self.weights)} weights; give one weight each")
        return self


class DatasetSection(Section):
    """Where the data are and which columns to use."""

    path: str | None = Field(None, description=".csv or .npz, relative to the problem file")
    inputs: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="input columns; all but the output by default"
    )
    output: str | None = Field(None, description="output column; the last by default")
    bias: bool = Field(True, description="append an input that is always 1")
    standardize: bool = Field(True, description="shift and scale inputs (and real outputs) to mean 0, variance 1")


class TwoLayerProblem(Section):
    """Two-layer network Psi(a, b)(x) = a sigma(b.x) on data, or of ReLU on Gaussian inputs with a teacher."""

    kind: Literal["two_layer"]
    activation: Literal["relu", "tanh", "softplus", "squared_relu"] = Field(
        "relu", description='sigma of the hidden layer; all but "relu" need data, and pairs (a, b) in a box or in space'
    )
    loss: Literal["square", "logistic", "softmin"] = Field("square", description="risk of the predictions")
    data: str | None = Field(None, description=f'"{GAUSSIAN_TEACHER}", or the path of a .csv or .npz file')
    regularization: NonNegative = Field(0.0, description="lambda in F = R + lambda times the mass")
    memory_limit: Positive = Field(
        1024.0, description="MiB that the features at all cells may take; beyond, they are computed anew each time"
    )
    teacher: TeacherSection | None = None
    dataset: DatasetSection | None = None

    @model_validator(mode="after")
    def _one_source(self) -> TwoLayerProblem:
        if self.data == GAUSSIAN_TEACHER:
            if self.teacher is None:
                raise ValueError(f'data = "{GAUSSIAN_TEACHER}" needs a [problem.teacher] with angles and weights')
            if self.loss != "square":
                raise ValueError(f'data = "{GAUSSIAN_TEACHER}" allows only loss = "square"; found "{self.loss}"')
            if self.activation != "relu":
                raise ValueError(
                    f'data = "{GAUSSIAN_TEACHER}" allows only activation = "relu"; found "{self.activation}"'
                )
            if self.dataset is not None:
                raise ValueError(f'data = "{GAUSSIAN_TEACHER}" and [problem.dataset] exclude each other')
        elif self.teacher is not None:
            raise ValueError(f'[problem.teacher] needs data = "{GAUSSIAN_TEACHER}"')
        elif (self.data is None) == (self.dataset is None or self.dataset.path is None):
            raise ValueError(
                f'needs its data once: data = "{GAUSSIAN_TEACHER}", data = "FILE.csv", or path in [problem.dataset]'
            )
        return self


class QuadraticProblem(Section):
    """Quadratic features w w^T with R(M) = 1/2 |M - target|^2: the flow with an exact solution."""

    kind: Literal["quadratic"]
    target: Matrix = Field(description="symmetric matrix M_*")
    regularization: NonNegative = Field(0.0, description="lambda in F = R + lambda times the mass")


class CircleSection(Section):
    """The unit circle, cut into equal arcs."""

    kind: Literal["circle"]
    cells: int = Field(1024, ge=4, le=2**26, description="number of cells on each sheet")
    signed: bool = Field(False, description="one sheet for each sign of the output weight")


class SphereSection(Section):
    """The unit sphere S^2, cut into Voronoi cells."""

    kind: Literal["sphere"]
    cells: int = Field(
        2562, ge=1, le=2621442, description="wanted number of cells; the grid has the next 10 * 4^level + 2"
    )
    signed: bool = Field(False, description="one sheet for each sign of the output weight")


class BoxSection(Section):
    """A box in one to three dimensions, cut into equal cells."""

    kind: Literal["box"]
    bounds: Matrix = Field(max_length=3, description="lower and upper end of each axis")
    shape: Annotated[list[Annotated[int, Field(ge=4, le=2**20)]], Field(min_length=1, max_length=3)] = Field(
        description="number of cells along each axis"
    )
    periodic: Annotated[list[bool], Field(min_length=1, max_length=3)] | bool = Field(
        False, description="whether opposite ends are the same, for all axes or for each; else they are walls"
    )
    signed: bool = Field(False, description="one sheet for each sign of the output weight")
    wall_warning: float = Field(
        1e-5, gt=0.0, le=1.0, description="share of the mass in the cells at a wall above which a run warns"
    )
    wall_limit: float = Field(
        0.01, gt=0.0, le=1.0, description="share of the mass in the cells at a wall above which a run stops"
    )
    grow: bool = Field(False, description="enlarge the box by whole cells where a run would warn")

    @model_validator(mode="after")
    def _fits(self) -> BoxSection:
        for axis, pair in enumerate(self.bounds):
            if len(pair) != 2 or not pair[0] < pair[1]:
                raise ValueError(f"bounds[{axis}] = {pair} is not allowed; give a lower and a larger upper end")
        if len(self.shape) != len(self.bounds):
            raise ValueError(f"bounds give {len(self.bounds)} axes, shape {len(self.shape)}; give one entry per axis")
        if isinstance(self.periodic, list) and len(self.periodic) != len(self.bounds):
            raise ValueError(f"periodic has {len(self.periodic)} entries; give true, false, or one entry per axis")
        return self


class SpaceSection(Section):
    """The space R^p without a grid, for particles: pairs (a, b) of a network with p - 1 inputs."""

    kind: Literal["space"]
    dimension: int = Field(ge=1, le=10**6, description="number p of components of a point")


class HypersphereSection(Section):
    """The unit sphere of R^p without a grid, for particles in any dimension."""

    kind: Literal["hypersphere"]
    dimension: int = Field(ge=2, le=10**6, description="number p of components of a point")
    signed: bool = Field(False, description="one sheet for each sign of the output weight")


class UniformInitial(Section):
    """The uniform measure."""

    kind: Literal["uniform"] = "uniform"
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")


class AngularGaussianInitial(Section):
    """The image on the sphere of a Gaussian N(0, S), weight |w|^2; its mass is the trace of S."""

    kind: Literal["angular_gaussian"]
    covariance: Matrix = Field(description="symmetric positive definite matrix S")
    seed: Seed = Field(0, description="seed of the draw of particles")


class GaussianInitial(Section):
    """A Gaussian on a box or in space."""

    kind: Literal["gaussian"]
    covariance: Matrix | Positive = Field(
        description="symmetric positive definite matrix, or the variance of independent components"
    )
    mean: Vector | None = Field(None, description="centre; the origin by default")
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")


class BalancedInitial(Section):
    """Neurons (a, b) in space with a = +1 or -1 and b uniform on the unit sphere."""

    kind: Literal["balanced"]
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")


class VonMisesFisherInitial(Section):
    """A von Mises-Fisher measure on circle or sphere, proportional to exp(concentration direction.x)."""

    kind: Literal["von_mises_fisher"]
    direction: Vector = Field(description="where it is largest, any nonzero length")
    concentration: NonNegative = Field(description="0 is uniform; the width is about concentration^(-1/2)")
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")


SingleInitial = Annotated[
    UniformInitial | AngularGaussianInitial | GaussianInitial | VonMisesFisherInitial, Field(discriminator="kind")
]


class MixtureInitial(Section):
    """The sum of several measures, each with its own mass."""

    kind: Literal["mixture"]
    components: Annotated[list[SingleInitial], Field(min_length=1)] = Field(
        description="tables of the other kinds, e.g. [[initial.components]] kind, mass, ..."
    )
    seed: Seed = Field(0, description="seed of the draw of particles")


class FileInitial(Section):
    """The state in a trajectory (.h5), or arrays (.npz): density, or position, weight and sign."""

    kind: Literal["file"]
    path: str = Field(description=".h5 or .npz, relative to the problem file")
    snapshot: int = Field(-1, description="number of the snapshot in a trajectory, -1 for the last")
    seed: Seed = Field(0, description="seed of the draw of particles")


InitialSection = (
    UniformInitial
    | AngularGaussianInitial
    | GaussianInitial
    | BalancedInitial
    | VonMisesFisherInitial
    | MixtureInitial
    | FileInitial
)


class SolverSection(Section):
    """The method; the section of its name holds its options."""

    kind: Literal["finite_volume", "particles", "characteristics", "jko"] = "finite_volume"
    t_end: Positive = Field(description="last time")
    transport: NonNegative = Field(1.0, description="factor alpha of the transport")
    reaction: NonNegative | None = Field(None, description="factor beta of the reaction; by default the domain's own")
    stationarity: Positive | None = Field(None, description="stop when the dissipation -dF/dt falls below this")
    wall_time: Positive | None = Field(None, description="stop after this many seconds")


class FiniteVolumeSection(Section):
    """Options of the finite-volume solver."""

    order: Literal[1, 2, 5] = Field(2, description="order in space; 5 for smooth densities on boxes and circles")
    limiter: Literal["minmod", "mc", "van_leer", "positive"] = Field("mc", description="slope limiter")
    stepper: Literal["euler", "ssprk2", "ssprk3"] = Field("ssprk3", description="time-stepping method")
    velocity: Literal["two_point", "midpoint"] = Field(
        "two_point", description='velocity through a face; on spheres "midpoint" is of second order at all cells'
    )


class ParticlesSection(Section):
    """Options of the particle solver."""

    count: int = Field(1000, ge=1, le=10**8, description="number of particles")
    start: Literal["random", "quasi_random", "stratified", "equispaced"] = Field(
        "random", description="how the initial particles are drawn"
    )
    method: Literal["adaptive", "rk4", "euler", "mirror"] = Field(
        "adaptive",
        description='adaptive or classical Runge-Kutta; "euler" is gradient descent with the given step, "mirror" the '
        "same with multiplicative weights",
    )
    tolerance: Tolerance = Field(1e-6, description="local error of the adaptive method")
    step: Positive | None = Field(None, description="step of the other methods; output times are multiples of it")
    batch: int = Field(
        0, ge=0, description="samples of each step of descent (SGD): of the data, or fresh Gaussian inputs; 0 for all"
    )
    input_rate: NonNegative = Field(
        1.0, description="rate of the input weights over that of the output weights, for pairs (a, b)"
    )
    precision: Literal["float64", "float32"] = Field(
        "float64", description="arithmetic of ReLU features on data; positions and weights are float64"
    )
    smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] | None = Field(
        None,
        description="half width in which kinks of ReLU features on data are rounded; 0.001, and 0 for descent",
    )

    @model_validator(mode="after")
    def _has_step(self) -> ParticlesSection:
        if self.method != "adaptive" and self.step is None:
            raise ValueError(f'has method = "{self.method}" but no step; give the step size, e.g. step = 0.01')
        if self.batch > 0 and self.method not in DESCENTS:
            raise ValueError(
                f'has batch = {self.batch}, which method = "{self.method}" does not allow; '
                'choose "euler" or "mirror", or batch = 0'
            )
        return self

    @property
    def kink_smoothing(self) -> float:
        """Half width of rounded kinks: descent takes ReLU as it is, integrators need it rounded."""
        if self.smoothing is not None:
            return self.smoothing
        return 0.0 if self.method in DESCENTS else 1e-3


class CharacteristicsSection(Section):
    """Options of the characteristics: one node per cell of the domain."""

    tolerance: Tolerance = Field(1e-8, description="local error of the integrator")
    smoothing: NonNegative = Field(
        1e-3, lt=1.0, description="half width in which kinks of ReLU features on data are rounded"
    )


class JkoSection(Section):
    """Options of variational steps, which take the particles of [particles] count and start, or the grid."""

    tau: Positive = Field(0.05, description="size of the steps at time 0")
    growth: NonNegative = Field(0.0, description="steps grow with time t to tau + growth t")
    order: Literal[1, 2] = Field(1, description="1 for variational steps; 2 for half a step, extrapolated")
    halve: bool = Field(True, description="whether a step that is not found is halved; else it is an error")
    representation: Literal["particles", "grid"] = Field(
        "particles", description='what moves; "grid" deposits on the cells after each step'
    )
    tolerance: float = Field(1e-13, ge=1e-15, le=1e-3, description="duality gap of a step over the risk before it")
    smoothing: NonNegative = Field(
        0.01, lt=1.0, description="half width in which kinks of ReLU features on data are rounded"
    )
    modes: int = Field(64, ge=1, le=4096, description="largest frequency of the population risk of a teacher")


class OutputSection(Section):
    """When snapshots are taken."""

    snapshots: int = Field(101, ge=2, le=10**6, description="number of snapshots, start and end included")
    spacing: Literal["linear", "log"] = Field("linear", description="how snapshots are spread over time")
    first: Positive | None = Field(None, description="first time after 0 of logarithmic snapshots; t_end / 1000")
    times: Vector | None = Field(None, description="times of the snapshots; they take the place of a number")


class ProblemFile(Section):
    """A whole problem file."""

    problem: TwoLayerProblem | QuadraticProblem = Field(discriminator="kind")
    domain: CircleSection | SphereSection | BoxSection | SpaceSection | HypersphereSection = Field(discriminator="kind")
    initial: InitialSection = Field(UniformInitial(), discriminator="kind")
    solver: SolverSection
    finite_volume: FiniteVolumeSection = FiniteVolumeSection()
    particles: ParticlesSection = ParticlesSection()
    characteristics: CharacteristicsSection = CharacteristicsSection()
    jko: JkoSection = JkoSection()
    output: OutputSection = OutputSection()
