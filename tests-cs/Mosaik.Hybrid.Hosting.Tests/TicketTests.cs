using Microsoft.Extensions.DependencyInjection;
using Mosaik.Hybrid.Hosting.Tests.Support;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Hosting.Tests;

/// <summary>Tickets by settings: which are asked for, and which this node shows.</summary>
public sealed class TicketTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mosaik-tickets-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ATicketInAFileLetsANodeIn_AndANewOneTakesItsPlace()
    {
        var key = Hs256.Generate();
        var secret = Write("secret.jwk", key.ExportJwk());
        var settings = new Dictionary<string, string?>
        {
            [$"Mosaik:Groups:{TestHosts.Group}:Tickets:KeyFiles"] = secret,
            [$"Mosaik:Groups:{TestHosts.Group}:Tickets:Subject"] = "anybody",
            ["Mosaik:TicketFiles"] = Write("ticket.jwt", Token(key, "first")),
        };
        await using var hosts = new TestHosts(2);
        var one = await hosts.StartAsync(settings: settings);
        var other = await hosts.StartAsync(settings: settings);
        await Task.WhenAll(TestHosts.GroupOf(one).When.Online(), TestHosts.GroupOf(other).When.Online())
            .Soon("both are online");

        var discovery = one.Services.GetRequiredService<Network>().Discovery;
        var former = Assert.Single(discovery.Me.Tickets).Id;
        Write("ticket.jwt", Token(key, "second"));
        await Waiting.Until(
            () => discovery.Me.Tickets is [{ Id: var id }] && id != former,
            "the new ticket has taken the place of the former"
        );

        // A file that is gone for a moment takes nothing away.
        var present = Assert.Single(discovery.Me.Tickets).Id;
        File.Delete(Path.Combine(_folder, "ticket.jwt"));
        Write("ticket.jwt", Token(key, "third"));
        await Waiting.Until(
            () => discovery.Me.Tickets is [{ Id: var id }] && id != present,
            "the third ticket is attached"
        );
    }

    [Fact]
    public async Task WhoAsksForTicketsIsInAnotherGroupThanWhoDoesNot()
    {
        var key = Hs256.Generate();
        await using var hosts = new TestHosts();
        var without = await hosts.StartAsync();
        var with = await hosts.StartAsync(
            settings: new()
            {
                [$"Mosaik:Groups:{TestHosts.Group}:Tickets:KeyFiles"] = Write("secret.jwk", key.ExportJwk()),
            }
        );
        var fromCode = await hosts.StartAsync(group: group => group.RequireTicket(_ => Jwt.WithKey(key)));
        Assert.NotEqual(TestHosts.GroupOf(without).Id, TestHosts.GroupOf(with).Id);
        Assert.Equal(TestHosts.GroupOf(fromCode).Id, TestHosts.GroupOf(with).Id);
    }

    private static string Token(JwtSigningKey key, string id) =>
        new JwtTicketBuilder(key)
            .Subject("anybody")
            .TokenId(id)
            .ExpiresIn(TimeSpan.FromHours(1))
            .BuildToken(default);

    private string Write(string name, string text)
    {
        // Whole or not at all, as a tool that renews tickets should.
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
        return path;
    }
}
