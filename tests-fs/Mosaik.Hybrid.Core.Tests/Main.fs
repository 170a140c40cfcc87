module Mosaik.Hybrid.Core.Tests.Main
