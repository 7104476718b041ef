from .flow import MarginState as MarginState
from .flow import NormalisedFlow as NormalisedFlow
from .margin_losses import MARGIN_LOSSES as MARGIN_LOSSES
