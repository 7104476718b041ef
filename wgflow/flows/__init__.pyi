from .evolution import Checkpoint as Checkpoint
from .evolution import Evolution as Evolution
from .evolution import FlowState as FlowState
from .evolution import Scalars as Scalars
from .evolution import Snapshot as Snapshot
from .evolution import StepCounts as StepCounts
from .recorder import Recorder as Recorder
