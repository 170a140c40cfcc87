using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>What the documents show is code: C# compiles against the library, F# stands in an example that runs.</summary>
public sealed class DocsCompile
{
    /// <summary>What projects get by ImplicitUsings, and what a reader of these documents has open.</summary>
    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using System.Diagnostics.Metrics;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.AspNetCore.Http;
        global using Microsoft.Extensions.Configuration;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        global using Microsoft.Extensions.Logging;
        global using Mosaik.Hybrid;
        global using Mosaik.Hybrid.Hosting;
        global using Mosaik.Hybrid.Storage;
        global using Mosaik.Hybrid.Testing;
        global using Mosaik.Hybrid.Tickets;
        global using Mosaik.Hybrid.Transport;
        global using OpenTelemetry;
        global using OpenTelemetry.Metrics;
        global using OpenTelemetry.Resources;
        global using OpenTelemetry.Trace;
        global using Example;
        global using static Example.Given;
        """;

    /// <summary>What snippets may use without saying where it comes from. Their own names take precedence.</summary>
    private const string Prelude = """
        namespace Example
        {
            public sealed record Add(long Amount);

            public sealed record GetTotal;

            public sealed class Counter : IStateMachine<Add, GetTotal, long>
            {
                private long _total;
                public string Signature => "example.counter/1";
                public void Apply(Add command, in ApplyContext context) => _total += command.Amount;
                public long Query(GetTotal query) => _total;
            }

            public static class Given
            {
                public static Network network => throw new NotSupportedException();
                public static GroupKey key => throw new NotSupportedException();
                public static ConsensusConfig config => throw new NotSupportedException();
                public static Counter machine => throw new NotSupportedException();
                public static ILogStorage store => throw new NotSupportedException();
                public static ITicketValidator validator => throw new NotSupportedException();
                public static Group<Add, GetTotal, long> group => throw new NotSupportedException();
                public static ClusterSimulation<Add, GetTotal, long> simulation => throw new NotSupportedException();
                public static SimulationReport report => throw new NotSupportedException();
                public static CancellationToken cancellationToken => default;
            }
        }
        """;

    public static TheoryData<string> CSharpSnippets() =>
        [.. Snippet.InDocuments("csharp").Select(snippet => snippet.ToString())];

    public static TheoryData<string> FSharpSnippets() =>
        [.. Snippet.InDocuments("fsharp").Select(snippet => snippet.ToString())];

    [Theory]
    [MemberData(nameof(CSharpSnippets))]
    public void CSharpCompiles(string place)
    {
        var snippets = Snippet.InDocuments("csharp").ToList();
        var snippet = snippets.Single(snippet => snippet.ToString() == place);
        var members = snippets.Where(other =>
            other.Kind == Snippet.Members && other.File == snippet.File && other.Line < snippet.Line
        );
        var errors = ErrorsOf([.. members.Append(snippet).Select(AsFile)], snippet.Kind).ToList();
        Assert.True(errors.Count == 0, string.Join("\n", errors));
    }

    [Theory]
    [MemberData(nameof(FSharpSnippets))]
    public void FSharpIsFromAnExample(string place)
    {
        var snippet = Snippet.InDocuments("fsharp").Single(snippet => snippet.ToString() == place);
        var examples = Repository
            .Files(".fsx")
            .Select(path => File.ReadAllText(path).ReplaceLineEndings("\n"));
        Assert.True(
            examples.Any(example => example.Contains(snippet.Code, StringComparison.Ordinal)),
            $"No script in examples holds the code at {place}."
        );
    }

    private static string AsFile(Snippet snippet) =>
        snippet.Kind switch
        {
            Snippet.Program or Snippet.Members => snippet.Code,
            Snippet.Statements => $$"""
                internal static class Statements
                {
                    public static async Task RunAsync()
                    {
                        await Task.CompletedTask;
                        {{snippet.Code}}
                    }
                }
                """,
            _ => throw new InvalidOperationException($"{snippet}: there is no kind '{snippet.Kind}'."),
        };

    private static IEnumerable<string> ErrorsOf(IReadOnlyList<string> files, string kind)
    {
        var compilation = CSharpCompilation.Create(
            "Snippet",
            files.Append(Usings).Append(Prelude).Select(file => CSharpSyntaxTree.ParseText(file)),
            References.All,
            new CSharpCompilationOptions(
                kind == Snippet.Program ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary,
                nullableContextOptions: NullableContextOptions.Enable
            )
        );
        return compilation
            .GetDiagnostics()
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
            .Select(diagnostic => diagnostic.ToString());
    }
}
