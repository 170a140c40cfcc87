using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>The builder's order is checked by the compiler: what is right compiles, what is wrong does not.</summary>
public sealed class Typestate
{
    [Theory]
    [InlineData("groups.Join()")]
    [InlineData("groups.RequireTicket(validator).Join()")]
    [InlineData("groups.WithConsensusConfig(config).Join()")]
    [InlineData("groups.WithStateMachine(machine).Join()")]
    [InlineData("groups.WithStateMachine(machine).RequireTicket(validator).Join()")]
    [InlineData("groups.WithStateMachine(machine).WithConsensusConfig(config).Join()")]
    [InlineData("groups.WithStateMachine(machine).WithLogStorage(store).Join()")]
    [InlineData("groups.WithStateMachine(machine).WithLogStorage(store).RequireTicket(validator).Join()")]
    [InlineData("groups.WithStateMachine(machine).WithLogStorage(store).WithConsensusConfig(config).Join()")]
    [InlineData("groups.WithStateMachine(machine).WithConsensusConfig(config).WithLogStorage(store).Join()")]
    [InlineData("groups.WithSnapshots(SnapshotOptions.Manual).Join()")]
    [InlineData("groups.WithStateMachine(machine).WithLogStorage(store).WithSnapshots(new()).Join()")]
    [InlineData("groups.WithStateMachine(machine).WithSnapshots(new()).WithLogStorage(store).Join()")]
    [InlineData("groups.WithStateMachine(machine).WithCommandCodec(codec).Join()")]
    [InlineData("groups.WithStateMachine(machine).WithCommandCodec(codec).WithLogStorage(store).Join()")]
    [InlineData("groups.WithStateMachine(machine).WithLogStorage(store).WithCommandCodec(codec).Join()")]
    [InlineData("groups.RequireTicket(validator).RequireTicket(validator).WithStateMachine(machine).Join()")]
    [InlineData("(Group<string, int, long>)groups.WithStateMachine(machine).Join()")]
    [InlineData("(Group<NoOpCommand, NoOpQuery, NoOpResult>)groups.Join()")]
    public void WhatIsRightCompiles(string expression) => Assert.Empty(ErrorsOf(expression));

    [Theory]
    // A store or a codec before the machine: the compiler can't infer the command's type.
    [InlineData("groups.WithLogStorage(store)", "CS0411")]
    [InlineData("groups.WithCommandCodec(codec)", "CS0411")]
    // Twice.
    [InlineData("groups.WithStateMachine(machine).WithLogStorage(store).WithLogStorage(store)", "CS1929")]
    [InlineData("groups.WithStateMachine(machine).WithCommandCodec(codec).WithCommandCodec(codec)", "CS1929")]
    [InlineData("groups.WithStateMachine(machine).WithStateMachine(machine)", "CS1061")]
    [InlineData(
        "groups.WithStateMachine(machine).WithLogStorage(store).WithConsensusConfig(config).WithLogStorage(store)",
        "CS1929"
    )]
    // After the end.
    [InlineData("groups.Join().WithStateMachine(machine)", "CS1061")]
    [InlineData("groups.WithStateMachine(machine).Join().WithLogStorage(store)", "CS0411")]
    // A store that is none, a codec of another command, a machine that is none, a group of another type.
    [InlineData("groups.WithStateMachine(machine).WithLogStorage(machine)", "CS1503")]
    [InlineData("groups.WithStateMachine(machine).WithCommandCodec(new RawCommandCodec())", "CS0411")]
    [InlineData("groups.WithStateMachine(store)", "CS0411")]
    [InlineData(
        "(Group<NoOpCommand, NoOpQuery, NoOpResult>)groups.WithStateMachine(machine).Join()",
        "CS0030"
    )]
    // Out of thin air: only a network's groups make builders and groups.
    [InlineData("new GroupBuilder()", "CS1729")]
    [InlineData("new Group<string, int, long>()", "CS1729")]
    [InlineData("new GroupKey()", "CS1729")]
    [InlineData("groups.WithConsensusConfig(ConsensusConfig.Builder())", "CS1503")]
    // A setting that is read once, at join.
    [InlineData("SnapshotOptions.Default.EntriesKept = 5", "CS8852")]
    public void WhatIsWrongDoesNotCompile(string expression, string error) =>
        Assert.Equal([error], ErrorsOf(expression));

    private static IEnumerable<string> ErrorsOf(string expression)
    {
        var source = $$"""
            using Mosaik.Hybrid;
            using Mosaik.Hybrid.Storage;
            using Mosaik.Hybrid.Tickets;

            public static class Snippet
            {
                public static object Run(
                    GroupBuilder groups,
                    IStateMachine<string, int, long> machine,
                    ILogStorage store,
                    ICommandCodec<string> codec,
                    ITicketValidator validator,
                    ConsensusConfig config
                ) => {{expression}};
            }
            """;
        var compilation = CSharpCompilation.Create(
            "Snippet",
            [CSharpSyntaxTree.ParseText(source)],
            References.All,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary)
        );
        return compilation
            .GetDiagnostics()
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
            .Select(diagnostic => diagnostic.Id)
            .Distinct();
    }
}
