"""AMSS+ in a module of Lightning: the lines marked with + are all that is new.

Lightning steps its optimizers with a closure, which an attached optimizer refuses; so the mask is made by hand, after
the backward pass (all-reduced, unscaled) and before the step. With gradient_clip_val, which clips after this hook, it
belongs into configure_gradient_clipping instead, after self.clip_gradients(...): see docs/loops.md.
"""

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from two_views import Net, accuracy, data

from amss_min import AMSSPlus  # +


class Module(lightning.LightningModule):
    """The network with its loss and optimizer."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()
        self.amss = AMSSPlus(self.net.modalities(), keep={"clear": 0.4, "noisy": 0.8})  # +

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """The loss of one batch."""
        clear, noisy, y = batch
        logits, _ = self.net(clear, noisy)
        return nn.functional.cross_entropy(logits, y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """SGD with momentum."""
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:  # +
        self.amss.mask_gradients()  # +


def main(**options: object) -> Net:
    """Train for five epochs; options of the trainer."""
    torch.manual_seed(0)
    module = Module()
    trainer = lightning.Trainer(
        max_epochs=5,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    trainer.fit(module, DataLoader(data(), batch_size=32, shuffle=True))
    return module.net


if __name__ == "__main__":
    print(f"accuracy {accuracy(main()):.3f}")
