"""ResNet, BERT and AST: what is masked of them, what they read, and weights from a folder."""

import json
import logging
import socket
import subprocess
import sys
from logging.handlers import QueueHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import torch

from amss_min import AMSS
from amss_min.modalities import named_units
from simulations.multimodal.encoders import ENCODERS
from simulations.multimodal.encoders.backbone import PretrainedError
from simulations.multimodal.encoders.base import parts
from tests.simulations.multimodal.encoders.small_encoders import (
    ATTENTION,
    FEATURES,
    FROM_TRANSFORMERS,
    SMALL,
    VOCABULARY,
    encoder,
    rows,
)

ATTENTION_MATRICES = {
    "bert": ("query", "key", "value", "attention.output"),
    "ast": ("q_proj", "k_proj", "v_proj", "o_"),
}


@pytest.mark.parametrize("name", ATTENTION_MATRICES)
def test_attention_is_masked_by_heads_and_the_rest_by_rows(name: str) -> None:
    net: Any = encoder(name)
    heads, layers = ATTENTION["heads"], ATTENTION["layers"]
    by_parameter = {id(units.parameter): units for _, units in named_units(name, parts(net))}
    seen = 0
    for label, parameter in net.named_parameters():
        units = by_parameter.get(id(parameter))
        places = [place for place in ATTENTION_MATRICES[name] if place in label]
        if places and parameter.ndim == 2:
            seen += 1
            assert units.kind == "heads" and units.n == heads
        elif "embeddings" in label and "projection.weight" not in label:
            assert units is None, label
        elif parameter.ndim > 1:
            assert units.kind == "rows" and units.n == len(parameter), label
        else:
            assert units is None, label
    assert seen == 4 * layers


@pytest.mark.parametrize("name", ATTENTION_MATRICES)
def test_masking_zeroes_blocks_of_one_head(name: str) -> None:
    net: Any = encoder(name)
    heads = ATTENTION["heads"]
    (net(rows(name)) * torch.linspace(1, 2, FEATURES)).sum().backward()
    AMSS({name: parts(net)}, keep={name: 0.5}, generator=torch.Generator().manual_seed(0)).mask_gradients()
    for label, parameter in net.named_parameters():
        places = [place for place in ATTENTION_MATRICES[name] if place in label]
        if places and parameter.ndim == 2:
            axis = 1 if places[0] == ATTENTION_MATRICES[name][-1] else 0
            blocks = parameter.grad.chunk(heads, dim=axis)
            assert sorted(bool(block.any()) for block in blocks) == [False, True], label


def test_bert_neither_attends_to_padding_nor_pools_it() -> None:
    ids = torch.tensor([[3, 1, 0, 0], [2, 0, 0, 0]])
    net: Any = encoder("bert")
    positions = net.backbone.embeddings.position_embeddings.weight
    net(ids).sum().backward()
    assert [bool(row.any()) for row in positions.grad] == [True, True, False, False]


def test_bert_reads_an_empty_text_as_padding() -> None:
    ids = torch.tensor([[0, 0, 0, 0]])
    net: Any = encoder("bert")
    positions = net.backbone.embeddings.position_embeddings.weight
    z = net(ids)
    z.sum().backward()
    assert bool(z.isfinite().all()) and all(bool(row.any()) for row in positions.grad)


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_bert_pools_as_it_says(pooling: str) -> None:
    ids = torch.tensor([[3, 1, 0, 4]])
    net: Any = encoder("bert", pooling=pooling).eval()
    with torch.no_grad():
        tokens = net.backbone(input_ids=ids, attention_mask=(ids != 0).long()).last_hidden_state
        # Three terms: sums in any order agree within two roundings of the sum of absolute values, a division adds one.
        expected = tokens[:, [0, 1, 3]].double().mean(1) if pooling == "mean" else tokens[:, 0].double()
        error = (net.pooled(ids).double() - expected).abs()
        bound = 3 * 2.0**-23 * tokens[:, [0, 1, 3]].abs().double().sum(1)
        assert bool((error <= (bound if pooling == "mean" else 0)).all())


def test_ast_convolves_over_mel_and_time_as_given() -> None:
    net: Any = encoder("ast")
    seen: list[torch.Tensor] = []
    net.backbone.embeddings.patch_embeddings.projection.register_forward_pre_hook(
        lambda module, given: seen.append(given[0])
    )
    x = rows("ast")
    net(x)
    assert len(seen) == 1 and torch.equal(seen[0], x)


@pytest.mark.parametrize(("depth", "channels", "parameters"), [(18, 3, 11_176_512), (50, 3, 23_508_032)])
def test_resnets_have_the_size_of_the_paper(depth: int, channels: int, parameters: int) -> None:
    made: Any = ENCODERS[f"resnet{depth}"].build((channels, 8, 8), 2, generator=torch.Generator())
    assert sum(parameter.numel() for parameter in made.backbone.parameters()) == parameters


@pytest.mark.parametrize(("small", "extent"), [(False, 8), (True, 32)])
def test_the_small_stem_keeps_the_extent(small: bool, extent: int) -> None:
    made: Any = ENCODERS["resnet18"].build((2, 32, 32), 2, generator=torch.Generator(), small=small)
    with torch.no_grad():
        assert made.backbone.embedder(torch.zeros(1, 2, 32, 32)).shape == (1, 64, extent, extent)
    assert made.backbone.embedder.embedder.convolution.bias is None


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of weights for every kind, saved from a small encoder."""
    made = {}
    for name in FROM_TRANSFORMERS:
        net: Any = encoder(name, 3)
        made[name] = tmp_path_factory.mktemp(name)
        net.backbone.save_pretrained(made[name])
    return made


def load(name: str, folder: Path | str, number: int = 0, **options: Any) -> Any:
    shape, _ = SMALL[name]
    vocabulary = VOCABULARY if name == "bert" else None
    generator = torch.Generator().manual_seed(number)
    return ENCODERS[name].build(
        shape, FEATURES, generator=generator, vocabulary=vocabulary, pretrained=str(folder), **options
    )


@pytest.mark.parametrize("name", FROM_TRANSFORMERS)
def test_a_folder_gives_its_weights_without_the_network(
    name: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*given: object) -> None:
        raise AssertionError("an attempt to use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    before = torch.get_rng_state()
    first, second = load(name, folders[name]), load(name, folders[name], 1)
    assert torch.equal(torch.get_rng_state(), before)
    original: Any = encoder(name, 3)
    expected = original.backbone.state_dict()
    assert first.backbone.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in first.backbone.state_dict().items())
    assert not torch.equal(first.head.weight, second.head.weight)
    assert all(module.training for module in first.modules())
    assert capfd.readouterr() == ("", "")
    x = rows(name)
    assert torch.equal(first(x), first(x))


def test_tensors_of_other_heads_are_left_aside_in_silence(folders: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    # Not captured from standard error: transformers keeps the stream of the first test that imports it.
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    listener, logger = QueueHandler(queue), logging.getLogger("transformers")
    logger.addHandler(listener)

    folder = edited(folders["bert"], tmp_path / "more")
    tensors = {**load_file(folder / "model.safetensors"), "cls.bias": torch.zeros(3)}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    twin = load("bert", folders["bert"])
    assert torch.equal(load("bert", folder)(rows("bert")), twin(rows("bert")))
    logger.removeHandler(listener)
    assert queue.empty()


def test_pretrained_dropout_is_left_out(folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("bert", "ast"):
        folder = edited(folders[name], tmp_path / name, hidden_dropout_prob=0.5, attention_probs_dropout_prob=0.5)
        net = load(name, folder)
        assert torch.equal(net(rows(name)), net(rows(name)))


def edited(folder: Path, copy: Path, **entries: object) -> Path:
    copy.mkdir()
    config = {**json.loads((folder / "config.json").read_text()), **entries}
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    return copy


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in FROM_TRANSFORMERS:
        with pytest.raises(PretrainedError, match=rf"the encoder '{name}': pretrained folder .*away does not exist"):
            load(name, tmp_path / "away")


def test_a_name_of_the_hub_is_no_folder() -> None:
    with pytest.raises(PretrainedError, match="pretrained folder bert-base-uncased does not exist"):
        load("bert", "bert-base-uncased")


@pytest.mark.parametrize("name", FROM_TRANSFORMERS)
def test_a_folder_of_another_kind_is_named(name: str, folders: dict[str, Path]) -> None:
    other = folders["ast" if name != "ast" else "bert"]
    with pytest.raises(PretrainedError, match=r"must hold a model of type '.*', found '"):
        load(name, other)


def test_a_folder_without_weights_or_configuration_is_named(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = edited(folders["bert"], tmp_path / "one")
    (folder / "model.safetensors").unlink()
    with pytest.raises(PretrainedError, match=r"must hold model.safetensors or .* found neither"):
        load("bert", folder)
    folder = edited(folders["bert"], tmp_path / "two")
    for text in ("{", "[]"):
        (folder / "config.json").write_text(text)
        with pytest.raises(PretrainedError, match=r"must hold a"):
            load("bert", folder)
    (folder / "config.json").unlink()
    with pytest.raises(PretrainedError, match=r"must hold a config.json that can be read"):
        load("bert", folder)


def test_broken_and_incomplete_weights_are_named(folders: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = edited(folders["bert"], tmp_path / "one")
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(PretrainedError, match="cannot be read"):
        load("bert", folder)
    tensors = load_file(folders["bert"] / "model.safetensors")
    key = "encoder.layer.1.output.dense.weight"
    save_file({k: v for k, v in tensors.items() if k != key}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(PretrainedError, match=f"lacks {key}"):
        load("bert", folder)
    save_file({**tensors, key: tensors[key][:4].clone()}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(PretrainedError, match=f"holds in other shapes {key}"):
        load("bert", folder)


def test_folders_that_do_not_fit_the_rows_are_named(folders: dict[str, Path], tmp_path: Path) -> None:
    def build(name: str, shape: tuple[int, ...], vocabulary: int | None = None) -> None:
        ENCODERS[name].build(
            shape, 2, generator=torch.Generator(), vocabulary=vocabulary, pretrained=str(folders[name])
        )

    with pytest.raises(PretrainedError, match="vocab_size at least 8, the token ids, found 7"):
        build("bert", (4,), 8)
    with pytest.raises(PretrainedError, match="max_position_embeddings at least 5, the tokens a row, found 4"):
        build("bert", (5,), 7)
    build("bert", (3,), 6)
    with pytest.raises(PretrainedError, match=r"was made for rows of shape \(1, 8, 13\), found \(1, 8, 12\)"):
        build("ast", (1, 8, 12))
    with pytest.raises(PretrainedError, match=r"must have num_channels 3 for rows of shape \(3, 8, 8\), found 1"):
        build("resnet18", (3, 8, 8))
    with pytest.raises(PretrainedError, match="must pad with token 0, found pad_token_id 1"):
        load("bert", edited(folders["bert"], tmp_path / "pad", pad_token_id=1))
    with pytest.raises(ValueError, match=r"sizes come from the folder .*, found width too"):
        load("bert", folders["bert"], width=64)


@pytest.mark.slow
def test_nothing_of_transformers_is_imported_before_it_is_used() -> None:
    code = "import sys, simulations.multimodal.encoders; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
