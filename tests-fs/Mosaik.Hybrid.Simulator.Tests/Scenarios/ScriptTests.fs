module Mosaik.Hybrid.Simulator.Tests.Scenarios.ScriptTests

open Expecto
