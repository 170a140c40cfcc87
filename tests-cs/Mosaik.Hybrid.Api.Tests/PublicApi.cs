using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Xunit;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>The public surface, written down: whoever changes it changes a file that is reviewed.</summary>
/// <remarks>Run with UPDATE_APPROVED=1 to rewrite <c>approved/*.txt</c>; read the difference like code.</remarks>
public sealed class PublicApi
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
    [InlineData("Mosaik.Hybrid.Core")]
    [InlineData("Mosaik.Hybrid.Wire")]
    [InlineData("Mosaik.Hybrid.Simulation")]
    public void TheSurfaceIsTheApprovedOne(string assembly)
    {
        var path = Repository.PathOf("tests-cs", "Mosaik.Hybrid.Api.Tests", "approved", assembly + ".txt");
        var surface = Describe(Assemblies.PublishedNamed(assembly));
        if (Environment.GetEnvironmentVariable("UPDATE_APPROVED") == "1")
        {
            File.WriteAllText(path, surface);
        }

        Assert.True(File.Exists(path), $"{path} is missing; run with UPDATE_APPROVED=1.");
        Assert.Equal(File.ReadAllText(path), surface);
    }

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        var types = assembly.GetExportedTypes().Where(static type => !IsTagsOfUnion(type));
        foreach (var type in types.OrderBy(static type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"{Signatures.Of(type)}\n");
            foreach (var member in MembersOf(type).Distinct().Order(StringComparer.Ordinal))
            {
                text.Append(CultureInfo.InvariantCulture, $"    {member}\n");
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The numbers of a union's cases, which the cases say already.</summary>
    private static bool IsTagsOfUnion(Type type) => type is { IsNested: true, Name: "Tags" };

    private static IEnumerable<string> MembersOf(Type type)
    {
        if (type.IsEnum)
        {
            return Enum.GetNames(type)
                .Select(name =>
                    $"{name} = {Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)}"
                );
        }

        var constructors = type.GetConstructors(Declared).Where(IsOpen).Select(Signatures.Of);
        var methods = type.GetMethods(Declared).Where(IsOpen).Where(IsWritten).Select(Signatures.Of);
        var properties = type.GetProperties(Declared)
            .Where(property => property.GetAccessors(nonPublic: true).Any(IsOpen))
            .Select(Signatures.Of);
        var fields = type.GetFields(Declared).Where(field => field.IsPublic).Select(Signatures.Of);
        var events = type.GetEvents(Declared)
            .Where(happening => happening.AddMethod is { } add && IsOpen(add))
            .Select(happening => $"event {happening.Name}");
        return constructors.Concat(methods).Concat(properties).Concat(fields).Concat(events);
    }

    /// <summary>Public, or protected in a type that others may inherit and not made by the compiler for a record.</summary>
    private static bool IsOpen(MethodBase method) =>
        method.IsPublic
        || (
            (method.IsFamily || method.IsFamilyOrAssembly)
            && !method.DeclaringType!.IsSealed
            && !method.IsDefined(typeof(CompilerGeneratedAttribute))
        );

    /// <summary>Neither an accessor nor something that the compiler makes for every record.</summary>
    private static bool IsWritten(MethodInfo method) =>
        (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal))
        // Those of F# unions are not marked as accessors.
        && !method.Name.StartsWith("get_", StringComparison.Ordinal)
        && method.Name
            is not (
                "Equals"
                or "GetHashCode"
                or "ToString"
                or "Deconstruct"
                or "CompareTo"
                or "<Clone>$"
                or "op_Equality"
                or "op_Inequality"
            );
}
