"""AMSS+ in a plain training loop: the lines marked with + are all that is new."""

import torch
from torch import nn
from torch.utils.data import DataLoader
from two_views import Net, accuracy, data

from amss_min import AMSSPlus, MutualInformationRate, unimodal_logits  # +


def main() -> Net:
    """Train for five epochs."""
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    amss = AMSSPlus(net.modalities(), keep=MutualInformationRate())  # +
    amss.attach(optimizer)  # +
    for _ in range(5):
        for clear, noisy, y in DataLoader(data(), batch_size=32, shuffle=True):
            logits, features = net(clear, noisy)
            amss.observe(logits=unimodal_logits(net.head, features), features=features, target=y)  # +
            nn.functional.cross_entropy(logits, y).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
    return net


if __name__ == "__main__":
    print(f"accuracy {accuracy(main()):.3f}")
