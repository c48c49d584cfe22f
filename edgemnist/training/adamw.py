"""AdamW on TensorFlow's fused Adam kernel, with a state that is plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BETA1 = 0.9
EPSILON = 1e-7


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019); decays kernels only, not biases or batch norms.

    One kernel per variable does the whole update, and ``slots`` is all the state there is: the first moment of every
    variable, then the second moment of every variable.
    """

    def __init__(self, tensorflow: Any, variables: Sequence[Any], *, beta2: float, weight_decay: float) -> None:
        self._tf = tensorflow
        self._variables = tuple(variables)
        self._beta2 = beta2
        self._weight_decay = weight_decay
        self.slots = tuple(
            tensorflow.Variable(tensorflow.zeros_like(variable), trainable=False)
            for _ in range(2)
            for variable in self._variables
        )

    def apply(self, gradients: Sequence[Any], learning_rate: Any, step: Any) -> None:
        """Update the variables; ``learning_rate`` and ``step`` (1, 2, ...) are float32 scalars."""
        count = len(self._variables)
        powers = self._tf.pow(BETA1, step), self._tf.pow(self._beta2, step)
        moments = zip(self.slots[:count], self.slots[count:], strict=True)
        for variable, gradient, (first, second) in zip(self._variables, gradients, moments, strict=True):
            if len(variable.shape) > 1:
                variable.assign_sub(variable * (learning_rate * self._weight_decay))
            self._tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=learning_rate,
                beta1=BETA1,
                beta2=self._beta2,
                epsilon=EPSILON,
                grad=gradient,
            )
