"""The networks that are trained: an MLP, a transformer encoder, ResNet-18. With their inputs and losses."""

import torch
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    """The basic block of ResNet-18: two convolutions, and a shortcut around them."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(y)) + self.shortcut(x))


def resnet18(classes):
    blocks, inputs = [], 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        blocks += [Residual(inputs, outputs, stride), Residual(outputs, outputs, 1)]
        inputs = outputs
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


def mlp(width, depth):
    layers = [layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def encoder(width, depth):
    layer = nn.TransformerEncoderLayer(width, 8, 4 * width, dropout=0.0, batch_first=True)
    # Without nested tensors, which only inference has.
    return nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)


def transformer(width, depth, tokens):
    return nn.Sequential(nn.Embedding(tokens, width), encoder(width, depth), nn.Linear(width, tokens))


def make(name):
    """The network, an input and the classes to learn, from the current seed, on the host."""
    if name == "mlp":
        return mlp(256, 3), torch.randn(64, 256), torch.randint(10, (64,))
    if name == "transformer":
        return transformer(256, 4, 1000), torch.randint(1000, (8, 128)), torch.randint(1000, (8, 128))
    if name == "resnet18":
        return resnet18(10), torch.randn(16, 3, 64, 64), torch.randint(10, (16,))
    raise ValueError(name)


def loss_of(network, x, wanted):
    y = network(x)
    return functional.cross_entropy(y.flatten(0, -2), wanted.flatten())
