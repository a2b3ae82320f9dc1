"""Kinds of components: the modules that pathways are made of, how they are saved, and what can be done with each."""

from __future__ import annotations

from senpath.components.attention import (
    ATTENTION,
    ENCODER_BLOCK,
    FEED_FORWARD,
    TRANSFORMER,
    Attention,
    EncoderBlock,
    FeedForward,
    SelfAttention,
    Transformer,
)
from senpath.components.backbones import describe_module, register_backbone
from senpath.components.base import (
    Component,
    Composite,
    Config,
    Lookup,
    build,
    canonical_json,
    content_hash,
    count_weights,
    freeze,
    load,
    thaw,
)
from senpath.components.convolutional import CNN, POOLED_CNN, Cnn
from senpath.components.dense import LINEAR, LINK, MLP, ClassLink, Linear, Mlp, freeze_head, freeze_link
from senpath.components.estimators import ESTIMATOR, PLAIN, Estimator, PlainEstimator, freeze_estimator, is_estimator
from senpath.components.experts import EXPERTS, ROUTER, Experts, Router
from senpath.components.features import (
    CONV_FEATURES,
    DENSE_FEATURES,
    UNIT_FEATURES,
    ConvFeatures,
    DenseFeatures,
    UnitFeatures,
)
from senpath.components.gate import GATE, Gate
from senpath.components.kind import ComponentKind, TrainingDefaults, find_kind, known_kinds, register
from senpath.components.limits import LEVELS, NUMBERS, OPERATIONS, STEP
from senpath.components.mobile import CONV_STEM, CONV_TAIL, MBCONV
from senpath.components.pruned import PRUNED, Pruned, freeze_pruned, unpruned
from senpath.components.recurrent import LSTM, Lstm
from senpath.components.routed import CONV_PAIR, DENSE, FLATTEN, IDENTITY, MEAN, POINTWISE, POOL
from senpath.components.tokens import TOKEN_FEATURES, TOKEN_MEAN, TokenFeatures, real, token_mean
from senpath.components.units import HEAD, HiddenUnits, UnitLayer, UnitSlice
from senpath.components.vision import ADAPTER, CLASS_NORM, CLASS_TOKEN, PATCHES, POSITIONS
from senpath.components.wide import POOLED_WIDE_AND_DEEP, WIDE_AND_DEEP, WideAndDeep

__all__ = [
    "ADAPTER",
    "ATTENTION",
    "CLASS_NORM",
    "CLASS_TOKEN",
    "CNN",
    "CONV_FEATURES",
    "CONV_PAIR",
    "CONV_STEM",
    "CONV_TAIL",
    "DENSE",
    "DENSE_FEATURES",
    "ENCODER_BLOCK",
    "ESTIMATOR",
    "EXPERTS",
    "FEED_FORWARD",
    "FLATTEN",
    "GATE",
    "HEAD",
    "IDENTITY",
    "LEVELS",
    "LINEAR",
    "LINK",
    "LSTM",
    "MBCONV",
    "MEAN",
    "MLP",
    "NUMBERS",
    "OPERATIONS",
    "PATCHES",
    "PLAIN",
    "POINTWISE",
    "POOL",
    "POOLED_CNN",
    "POOLED_WIDE_AND_DEEP",
    "POSITIONS",
    "PRUNED",
    "ROUTER",
    "STEP",
    "TOKEN_FEATURES",
    "TOKEN_MEAN",
    "TRANSFORMER",
    "UNIT_FEATURES",
    "WIDE_AND_DEEP",
    "Attention",
    "ClassLink",
    "Cnn",
    "Component",
    "ComponentKind",
    "Composite",
    "Config",
    "ConvFeatures",
    "DenseFeatures",
    "EncoderBlock",
    "Estimator",
    "Experts",
    "FeedForward",
    "Gate",
    "HiddenUnits",
    "Linear",
    "Lookup",
    "Lstm",
    "Mlp",
    "PlainEstimator",
    "Pruned",
    "Router",
    "SelfAttention",
    "TokenFeatures",
    "TrainingDefaults",
    "Transformer",
    "UnitFeatures",
    "UnitLayer",
    "UnitSlice",
    "WideAndDeep",
    "build",
    "canonical_json",
    "content_hash",
    "count_weights",
    "describe_module",
    "find_kind",
    "freeze",
    "freeze_estimator",
    "freeze_head",
    "freeze_link",
    "freeze_pruned",
    "is_estimator",
    "known_kinds",
    "load",
    "real",
    "register",
    "register_backbone",
    "thaw",
    "token_mean",
    "unpruned",
]
