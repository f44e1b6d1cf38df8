"""AMSS+ under the Trainer of Hugging Face transformers: the lines marked with + are all that is new."""

import tempfile

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments
from two_views import Net, accuracy, data

from amss_min import AMSSPlus  # +


class Model(nn.Module):
    """The network as the Trainer calls it: by the names of a batch, returning the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()

    def forward(self, clear: Tensor, noisy: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Loss and logits."""
        logits, _ = self.net(clear, noisy)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Named(Dataset[dict[str, Tensor]]):
    """The data by name."""

    def __len__(self) -> int:
        return len(data())

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return dict(zip(("clear", "noisy", "labels"), data()[index], strict=True))


def main() -> Net:
    """Train for five epochs; the Trainer clips at norm 1 before it steps."""
    torch.manual_seed(0)
    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=5,
            per_device_train_batch_size=32,
            learning_rate=0.01,
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        trainer = Trainer(model=model, args=arguments, train_dataset=Named())
        amss = AMSSPlus(model.net.modalities(), keep={"clear": 0.4, "noisy": 0.8})  # +
        amss.attach(trainer.create_optimizer())  # +
        trainer.train()
    return model.net


if __name__ == "__main__":
    print(f"accuracy {accuracy(main()):.3f}")
