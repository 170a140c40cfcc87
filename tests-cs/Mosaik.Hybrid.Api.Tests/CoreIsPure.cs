using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Xunit;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>The core can't tell the time, draw a random number, wait, or touch a socket or a file.</summary>
/// <remarks>
/// Reads what the compiled assemblies refer to. Whatever they call must be named there, so a core that passes has no
/// way to any of it, short of reflection, which is refused as well.
/// </remarks>
public sealed class CoreIsPure
{
    private static readonly string[] s_namespaces =
    [
        "System.Threading",
        "System.IO",
        "System.Net",
        "System.Timers",
        "System.Diagnostics.Process",
        "System.Security.Cryptography",
        "System.Runtime.InteropServices.Marshal",
        "Microsoft.Win32",
    ];

    private static readonly string[] s_types =
    [
        "System.DateTime",
        "System.DateTimeOffset",
        "System.TimeProvider",
        "System.Diagnostics.Stopwatch",
        "System.Random",
        "System.Environment",
        "System.AppContext",
        "System.AppDomain",
        "System.Console",
        "System.Activator",
        "System.GC",
        "Microsoft.FSharp.Control.FSharpAsync",
        "Microsoft.FSharp.Core.ExtraTopLevelOperators.printfn",
    ];

    private static readonly string[] s_members =
    [
        "System.Guid.NewGuid",
        "System.Type.GetType",
        "System.Type.InvokeMember",
        "System.Reflection.Assembly.Load",
        "System.Reflection.MethodBase.Invoke",
    ];

    public static TheoryData<string> PureAssemblies =>
        ["Mosaik.Hybrid.Primitives", "Mosaik.Hybrid.Core", "Mosaik.Hybrid.Wire", "Mosaik.Hybrid.Simulation"];

    [Theory]
    [MemberData(nameof(PureAssemblies))]
    public void ItRefersToNothingImpure(string assembly)
    {
        var impure = ReferencesOf(Named(assembly)).Where(IsImpure).Order(StringComparer.Ordinal);
        Assert.Empty(impure);
    }

    [Theory]
    [InlineData("Mosaik.Hybrid.Primitives")]
    [InlineData("Mosaik.Hybrid.Core", "Mosaik.Hybrid.Primitives")]
    [InlineData("Mosaik.Hybrid.Wire", "Mosaik.Hybrid.Primitives", "Mosaik.Hybrid.Core")]
    [InlineData(
        "Mosaik.Hybrid.Simulation",
        "Mosaik.Hybrid.Primitives",
        "Mosaik.Hybrid.Core",
        "Mosaik.Hybrid.Wire"
    )]
    public void ItStandsOnNothingElse(string assembly, params string[] others)
    {
        var strangers = Named(assembly)
            .GetReferencedAssemblies()
            .Select(reference => reference.Name!)
            .Where(name => !name.StartsWith("System.", StringComparison.Ordinal) && name != "netstandard")
            .Except([.. others, "FSharp.Core"]);
        Assert.Empty(strangers);
    }

    [Fact]
    public void TheCheckSeesWhatThisVeryAssemblyUses()
    {
        var references = ReferencesOf(typeof(CoreIsPure).Assembly).Where(IsImpure).ToList();
        Assert.Contains("System.IO.File.ReadAllBytes", references);
        Assert.Contains("System.AppContext.get_BaseDirectory", references);
    }

    private static Assembly Named(string name) =>
        new[] { Assemblies.Primitives, Assemblies.Core, Assemblies.Wire, Assemblies.Simulation }.Single(
            assembly => assembly.GetName().Name == name
        );

    private static bool IsImpure(string reference) =>
        s_namespaces.Concat(s_types).Any(name => reference.StartsWith(name + ".", StringComparison.Ordinal))
        || s_types.Contains(reference)
        || s_members.Contains(reference);

    /// <summary>Every type that the assembly names, and every member of other assemblies that it calls or reads.</summary>
    private static List<string> ReferencesOf(Assembly assembly)
    {
        using var image = new PEReader(new MemoryStream(File.ReadAllBytes(assembly.Location)));
        var metadata = image.GetMetadataReader();
        var types = metadata.TypeReferences.Select(handle => NameOf(metadata, handle));
        var members = metadata
            .MemberReferences.Select(metadata.GetMemberReference)
            .Where(member => member.Parent.Kind == HandleKind.TypeReference)
            .Select(member =>
                NameOf(metadata, (TypeReferenceHandle)member.Parent) + "." + metadata.GetString(member.Name)
            );
        return [.. types.Concat(members).Distinct()];
    }

    private static string NameOf(MetadataReader metadata, TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        var name = metadata.GetString(type.Name);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? NameOf(metadata, (TypeReferenceHandle)type.ResolutionScope) + "." + name
            : metadata.GetString(type.Namespace) + "." + name;
    }
}
