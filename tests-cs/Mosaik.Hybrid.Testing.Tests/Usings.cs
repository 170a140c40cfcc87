global using Mosaik.Hybrid.Testing.Tests.Support;
global using Xunit;
