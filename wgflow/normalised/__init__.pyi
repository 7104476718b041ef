from .margin_losses import MARGIN_LOSSES as MARGIN_LOSSES
from .normalised_flow import MarginState as MarginState
from .normalised_flow import NormalisedFlow as NormalisedFlow
