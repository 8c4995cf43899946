"""Operations, parameters and bytes of pre-training, from the shapes of the models."""

from dataclasses import dataclass

# Width, depth, heads.
ENCODERS = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}
PREDICTORS = {"tiny": (192, 4, 3), "small": (256, 8, 8), "base": (512, 8, 16), "large": (512, 8, 16)}
DECODERS = {"tiny": (96, 2, 3), "small": (192, 4, 3), "base": (384, 4, 6), "large": (384, 4, 6)}
PATCH, ROWS = 16 * 16, 80 // 16


@dataclass(frozen=True)
class Model:
    """M2D (`m2d`) or MSM-MAE of a size, on 80 bands x `frames` in patches of 16x16."""

    m2d: bool
    size: str
    frames: int

    @property
    def patches(self):
        return ROWS * (self.frames // 16)

    @property
    def visible(self):
        return int(self.patches * (1 - (0.7 if self.m2d else 0.75)))

    @property
    def _shapes(self):
        return ENCODERS[self.size], (PREDICTORS if self.m2d else DECODERS)[self.size]

    def gflop_per_clip(self):
        """Matrix products of forward, backward and target network; of products of [n, k] and [k, m], 2nkm count. Backward costs twice
        the forward pass, but the patch embedding needs no gradient of its input, and the target network no backward at all."""
        (width, depth, _), (decoder_width, decoder_depth, _) = self._shapes
        masked, output = self.patches - self.visible, width if self.m2d else PATCH
        embedding = 2 * PATCH * width
        online = (
            blocks(width, depth, 1 + self.visible) + 2 * (1 + self.visible) * width * decoder_width
            + blocks(decoder_width, decoder_depth, 1 + self.patches) + 2 * masked * decoder_width * output)
        target = blocks(width, depth, 1 + masked) + masked * embedding if self.m2d else 0
        return (3 * online + 2 * self.visible * embedding + target) / 1e9

    def trained(self):
        """Trained parameters: what AdamW updates and machines exchange."""
        (width, depth, _), (decoder_width, decoder_depth, _) = self._shapes
        output = width if self.m2d else PATCH
        encoder = (PATCH + 1) * width + width + depth * weights(width) + 2 * width
        decoder = (width + 1) * decoder_width + decoder_width + decoder_depth * weights(decoder_width) + 2 * decoder_width
        return encoder + decoder + (decoder_width + 1) * output


def blocks(width, depth, tokens):
    """Operations of transformer blocks: qkv 6ND^2, scores and their use 4N^2D, projection 2ND^2, MLP 16ND^2."""
    return depth * (24 * tokens * width**2 + 4 * tokens**2 * width)


def weights(width):
    """Parameters of a block: 12D^2 weights, 9D biases, 4D of the layer norms."""
    return 12 * width**2 + 13 * width
