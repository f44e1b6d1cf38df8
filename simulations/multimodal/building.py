"""A network from its settings and the data set that it is for."""

import torch

from amss_min.testing.loading import BadInput
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.encoders import ENCODERS, default_encoder
from simulations.multimodal.fusions import FUSIONS
from simulations.multimodal.model import FusionNet
from simulations.multimodal.names import close_names
from simulations.multimodal.settings import Model


def network(dataset: Dataset, model: Model, generator: torch.Generator) -> FusionNet:
    """The network with its initial weights, drawn from the generator: encoders in the data set's order, then fusion.

    Raises BadInput for an encoder, a fusion or a modality that is not known, or options that do not fit.
    """
    for name in model.encoders:
        if name not in (*dataset.modalities, "default"):
            raise BadInput(
                f"no modality {name!r} in {dataset.name}; did you mean {close_names(name, dataset.modalities)}?"
            )
    if model.fusion not in FUSIONS:
        raise BadInput(f"no fusion {model.fusion!r}; did you mean {close_names(model.fusion, FUSIONS)}?")
    encoders = {}
    for modality in dataset.modalities:
        chosen, shape = model.encoder(modality), dataset.shape(modality)
        kind = default_encoder(shape, dataset.features[modality].dtype) if chosen.kind == "auto" else chosen.kind
        if kind not in ENCODERS:
            raise BadInput(f"no encoder {kind!r} for {modality}; did you mean {close_names(kind, ENCODERS)}?")
        try:
            encoders[modality] = ENCODERS[kind].build(
                shape,
                model.features,
                generator=generator,
                vocabulary=dataset.vocabulary(modality),
                **chosen.options,
            )
        except (ValueError, OSError) as error:
            raise BadInput(f"encoder {kind} of {modality}: {' '.join(str(error).split())}") from error
    widths = dict.fromkeys(dataset.modalities, model.features)
    try:
        fusion = FUSIONS[model.fusion].build(widths, dataset.task.outputs, generator=generator, **model.fusion_options)
    except (TypeError, ValueError) as error:
        raise BadInput(f"fusion {model.fusion}: {' '.join(str(error).split())}") from error
    return FusionNet(encoders, fusion)
