"""NEFTune: noise on the embeddings while training. https://arxiv.org/abs/2310.05914"""

import torch


def add_noise(model: torch.nn.Module, alpha: float) -> None:
    """Uniform noise of up to alpha / sqrt(places x width) on what the embedding puts out, in training only."""
    if alpha:
        model.get_input_embeddings().register_forward_hook(
            lambda module, _, output: _noisy(output, alpha) if module.training else output
        )


def _noisy(embedded: torch.Tensor, alpha: float) -> torch.Tensor:
    size = alpha / (embedded.shape[-2] * embedded.shape[-1]) ** 0.5
    return embedded + torch.empty_like(embedded).uniform_(-size, size)
