"""Result files: what evaluation, parity, latency and export wrote as JSON, checked when they are read.

The commands' own ``--json`` writes them; nobody types a figure. "kind" says which of the classes below a file holds.
"""

from mobile.schemas.accuracy import Accuracy, Prediction, Predictions, Study, StudyRow
from mobile.schemas.artefact import Artefact, Step, Steps
from mobile.schemas.latency import Latency
from mobile.schemas.layers import Profile, QuantDebug
from mobile.schemas.parity import Arm64, Arm64Row, Parity, ParityRow
from mobile.schemas.reading import KINDS, Result, load_result, load_results
from mobile.schemas.speed import Frontier, FrontierNetwork, FrontierRow, PreprocessSpeed
from mobile.schemas.streams import Events, States
from mobile.schemas.training import Ablation, Attention, Memory, Runtime, Stages

__all__ = [
    "KINDS",
    "Ablation",
    "Accuracy",
    "Arm64",
    "Arm64Row",
    "Artefact",
    "Attention",
    "Events",
    "Frontier",
    "FrontierNetwork",
    "FrontierRow",
    "Latency",
    "Memory",
    "Parity",
    "ParityRow",
    "Prediction",
    "Predictions",
    "PreprocessSpeed",
    "Profile",
    "QuantDebug",
    "Result",
    "Runtime",
    "Stages",
    "States",
    "Step",
    "Steps",
    "Study",
    "StudyRow",
    "load_result",
    "load_results",
]
