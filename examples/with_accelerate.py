"""AMSS+ in a loop of Accelerate, with gradient accumulation: the lines marked with + are all that is new."""

import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader
from two_views import Net, accuracy, data

from amss_min import AMSSPlus, MutualInformationRate, unimodal_logits  # +


def main() -> Net:
    """Train for five epochs, two micro-batches a step."""
    torch.manual_seed(0)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    loader = DataLoader(data(), batch_size=16, shuffle=True)
    model, optimizer, loader = accelerator.prepare(net, optimizer, loader)
    amss = AMSSPlus(net.modalities(), keep=MutualInformationRate())  # +
    amss.attach(optimizer)  # +
    for _ in range(5):
        for clear, noisy, y in loader:
            with accelerator.accumulate(model):
                logits, features = model(clear, noisy)
                amss.observe(logits=unimodal_logits(net.head, features), features=features, target=y)  # +
                accelerator.backward(nn.functional.cross_entropy(logits, y))
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
    return net


if __name__ == "__main__":
    print(f"accuracy {accuracy(main()):.3f}")
