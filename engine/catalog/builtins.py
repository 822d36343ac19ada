"""The only list of what the engine brings. A new kind, field type, function or step: one file, and one line here."""

from __future__ import annotations

from engine.catalog.kinds.app import App, Calendar
from engine.catalog.kinds.channel import Channel
from engine.catalog.kinds.example import Test
from engine.catalog.kinds.listed import ListOfValues
from engine.catalog.kinds.message import MessageTemplate
from engine.catalog.kinds.model import Extend, Model
from engine.catalog.kinds.pages import Access, Form, View
from engine.catalog.kinds.pricing import Pricing
from engine.catalog.kinds.risk import Risk
from engine.catalog.kinds.routing import Routing
from engine.catalog.kinds.rules import Action, Checks
from engine.catalog.kinds.table import Table
from engine.catalog.kinds.workflow import Workflow
from engine.catalog.vocabulary import Vocabulary
from engine.expressions.builtins import BUILTINS as FUNCTIONS
from engine.fields import address, boolean, choice, file, identity, json, link, moment, number, rows, sequence, text
from engine.steps.decide import DecideStep
from engine.steps.flow import FireStep, HoldStep, NotifyStep, ReleaseHoldStep, ReleaseStep, RunStep
from engine.steps.price import PriceStep
from engine.steps.propose import ApplyStep, DropStep
from engine.steps.records import CreateStep, DeleteStep, FindStep, UpdateStep
from engine.steps.risk import AllowStep, FreezeStep, ReviewStep
from engine.steps.route import RouteStep
from engine.steps.values import ForEach, Let, Require, Set, Spread, When

BUILTINS = Vocabulary.of(
    kinds=(
        App,
        Model,
        Extend,
        Form,
        View,
        Access,
        Workflow,
        Checks,
        Action,
        Routing,
        Pricing,
        Table,
        Risk,
        Channel,
        MessageTemplate,
        Calendar,
        ListOfValues,
        Test,
    ),
    fields=(
        *text.FIELD_TYPES,
        *number.FIELD_TYPES,
        *boolean.FIELD_TYPES,
        *moment.FIELD_TYPES,
        *choice.FIELD_TYPES,
        *link.FIELD_TYPES,
        *rows.FIELD_TYPES,
        *sequence.FIELD_TYPES,
        *file.FIELD_TYPES,
        *json.FIELD_TYPES,
        *address.FIELD_TYPES,
        *identity.FIELD_TYPES,
    ),
    known_functions=FUNCTIONS,
    steps=(
        Let,
        Set,
        When,
        Require,
        ForEach,
        Spread,
        FindStep,
        CreateStep,
        UpdateStep,
        DeleteStep,
        HoldStep,
        ReviewStep,
        FreezeStep,
        AllowStep,
        ReleaseStep,
        ReleaseHoldStep,
        FireStep,
        RunStep,
        DecideStep,
        RouteStep,
        PriceStep,
        ApplyStep,
        DropStep,
        NotifyStep,
    ),
)
