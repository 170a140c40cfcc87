using System.Reflection;
using Xunit;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>C# users never meet a type of F#'s library, of the core, of the wire or of the simulation engine.</summary>
public sealed class NoFSharpLeaks
{
    private const BindingFlags Declared =
        BindingFlags.Public
        | BindingFlags.NonPublic
        | BindingFlags.Instance
        | BindingFlags.Static
        | BindingFlags.DeclaredOnly;

    [Theory]
    [InlineData("Mosaik.Hybrid.Primitives")]
    [InlineData("Mosaik.Hybrid.Storage.Abstractions")]
    [InlineData("Mosaik.Hybrid.Storage.Memory")]
    [InlineData("Mosaik.Hybrid.Storage.File")]
    [InlineData("Mosaik.Hybrid.Storage.RocksDb")]
    [InlineData("Mosaik.Hybrid.Storage.TestKit")]
    [InlineData("Mosaik.Hybrid")]
    [InlineData("Mosaik.Hybrid.Testing")]
    [InlineData("Mosaik.Hybrid.Hosting")]
    public void NoPublicSignatureMentionsThem(string assembly)
    {
        var leaks =
            from type in Assemblies.PublicNamed(assembly).GetExportedTypes()
            from use in UsesOf(type)
            from part in PartsOf(use.Type)
            where IsForbidden(part)
            select $"{type.FullName}: {use.Where} mentions {part.FullName}";
        Assert.Empty(leaks.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TheCheckWouldSeeALeak() =>
        Assert.Contains(UsesOf(typeof(Core.Configuration)).SelectMany(use => PartsOf(use.Type)), IsForbidden);

    private static bool IsForbidden(Type type) =>
        type.Namespace is { } name
        && (
            name.StartsWith("Microsoft.FSharp", StringComparison.Ordinal)
            || name.StartsWith("Mosaik.Hybrid.Core", StringComparison.Ordinal)
            || name.StartsWith("Mosaik.Hybrid.Wire", StringComparison.Ordinal)
            || name.StartsWith("Mosaik.Hybrid.Simulation", StringComparison.Ordinal)
        );

    private static IEnumerable<(string Where, Type Type)> UsesOf(Type type)
    {
        if (type.BaseType is { } parent)
        {
            yield return ("its base", parent);
        }

        foreach (var contract in type.GetInterfaces())
        {
            yield return ("its interfaces", contract);
        }

        foreach (var constraint in type.GetGenericArguments().SelectMany(ConstraintsOf))
        {
            yield return ("its constraints", constraint);
        }

        foreach (var method in type.GetMethods(Declared).Where(IsVisible))
        {
            yield return (method.Name, method.ReturnType);
            foreach (
                var used in ParametersOf(method)
                    .Concat(method.GetGenericArguments().SelectMany(ConstraintsOf))
            )
            {
                yield return (method.Name, used);
            }
        }

        foreach (var used in type.GetConstructors(Declared).Where(IsVisible).SelectMany(ParametersOf))
        {
            yield return ("its constructor", used);
        }

        foreach (var field in type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily))
        {
            yield return (field.Name, field.FieldType);
        }
    }

    private static bool IsVisible(MethodBase method) =>
        method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static IEnumerable<Type> ParametersOf(MethodBase method) =>
        method.GetParameters().Select(parameter => parameter.ParameterType);

    private static Type[] ConstraintsOf(Type argument) =>
        argument.IsGenericParameter ? argument.GetGenericParameterConstraints() : [];

    private static IEnumerable<Type> PartsOf(Type type)
    {
        if (type.HasElementType)
        {
            return PartsOf(type.GetElementType()!);
        }

        return type.IsGenericType
            ? type.GetGenericArguments().SelectMany(PartsOf).Append(type.GetGenericTypeDefinition())
            : [type];
    }
}
