"""torch.compile of the model and of the step: the masks, and what they are multiplied with, are those of eager code.

The masks are drawn outside of the compiled graph, by the same code and generator, because a generator cannot be traced;
so they are equal bit for bit where gradients are. "aot_eager" traces whole graphs without generating code; inductor
rounds the model's gradients and the optimizer's update otherwise than eager code, and is compared on equal gradients.
"""

import shutil
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from amss_min import AMSS, AMSSPlus
from amss_min.testing import Status
from tests.amss_min.nets import Net, batch, observe, rate_amss
from tests.amss_min.replicas import Inflated, Path, Replicas, check

needs_compiler = pytest.mark.skipif(shutil.which("c++") is None, reason="inductor needs a C++ compiler")


# torch's compiler imports code of torch that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def _no_graphs_left() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def run(
    kind: type[AMSS], *, model: str | None = None, step: str | None = None, masks: str = "gradient"
) -> tuple[list[torch.Tensor], list[list[torch.Tensor]], list[torch.Tensor]]:
    """Four steps: gradients after the mask in every step, the kept weights, the parameters in the end."""
    torch.manual_seed(0)
    net = Net()
    amss = kind(net.modalities(), keep=0.5, masks=masks, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    amss.attach(optimizer)
    forward = net if model is None else torch.compile(net, backend=model)
    advance: Callable[[], object] = optimizer.step
    if step is not None:
        advance = torch.compile(lambda: optimizer.step(), backend=step)
    gradients, kept = [], []
    for number in range(4):
        x, y = batch(number)
        optimizer.zero_grad()
        nn.functional.cross_entropy(forward(x), y).backward()
        advance()
        masked = [torch.empty(0) if p.grad is None else p.grad.clone() for p in net.parameters()]
        gradients += masked
        kept.append([gradient.ne(0) for gradient in masked if gradient.ndim == 2])
    return gradients, kept, [p.detach() for p in net.parameters()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", [pytest.param(AMSS, marks=pytest.mark.slow), AMSSPlus])
def test_a_compiled_step_masks_as_an_eager_one(kind: type[AMSS]) -> None:
    eager, compiled = run(kind), run(kind, step="aot_eager")
    assert same(eager[0], compiled[0])
    assert same(eager[2], compiled[2])
    assert not all(same(compiled[1][0], later) for later in compiled[1][1:])  # no mask became a constant of the graph


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("masks", ["gradient", "update"])
def test_a_step_compiled_by_inductor_draws_the_same_masks(masks: str) -> None:
    eager, compiled = run(AMSSPlus, masks=masks), run(AMSSPlus, step="inductor", masks=masks)
    assert all(same(a, b) for a, b in zip(eager[1], compiled[1], strict=True))
    assert same(eager[0][:10], compiled[0][:10])  # the first step: equal gradients, masked alike
    for a, b in zip(eager[2], compiled[2], strict=True):
        torch.testing.assert_close(a, b)  # the update itself is compiled, and rounds otherwise


@pytest.mark.slow
def test_a_compiled_model_is_masked_as_an_eager_one() -> None:
    eager, compiled = run(AMSSPlus), run(AMSSPlus, model="aot_eager")
    assert all(same(a, b) for a, b in zip(eager[1], compiled[1], strict=True))
    for a, b in zip(eager[2], compiled[2], strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.slow
def test_keep_fractions_of_the_batch_reach_a_compiled_step() -> None:
    torch.manual_seed(0)
    net = Net()
    amss = rate_amss(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    amss.attach(optimizer)
    step = torch.compile(lambda: optimizer.step(), backend="aot_eager")
    seen = []
    for number in range(3):
        x, y = batch(number)
        observe(amss, net, x, y)
        expected = amss.keep_fractions()
        nn.functional.cross_entropy(net(x), y).backward()
        step()
        optimizer.zero_grad()
        assert amss.report is not None
        assert list(amss.report.keep.values()) == expected.tolist()
        seen.append(expected)
    assert not torch.equal(seen[0], seen[2])
    with pytest.raises(RuntimeError, match="call observe"):
        step()


def test_a_graph_without_breaks_is_refused_by_the_compiler() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    AMSSPlus(net.modalities(), keep=0.5).attach(optimizer)
    x, y = batch()
    nn.functional.cross_entropy(net(x), y).backward()
    with pytest.raises(Exception, match=r"(?i)unsupported|disable|graph break|context manager"):
        torch.compile(lambda: optimizer.step(), backend="eager", fullgraph=True)()


def compiled_path(**options: object) -> Path:
    net = Replicas(16)
    model = torch.compile(net, backend="inductor")

    def step(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        model(slice(None)).backward()
        advance()

    path = Path.__new__(Path)
    advance = torch.compile(lambda: path.optimizer.step(), backend="inductor")
    path.__init__(step, net=net, **options)  # type: ignore[misc]
    return path


@pytest.mark.slow
@needs_compiler
def test_a_compiled_loop_is_unbiased() -> None:
    result = check(compiled_path())
    assert result.status is Status.CONSISTENT, result.text


@pytest.mark.slow
@needs_compiler
def test_weights_five_per_cent_too_large_are_refuted_in_a_compiled_loop() -> None:
    result = check(compiled_path(weighting=Inflated()))
    assert result.status is Status.REFUTED
    assert not result.violations
