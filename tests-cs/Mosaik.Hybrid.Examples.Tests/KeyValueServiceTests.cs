using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mosaik.Hybrid.Api.Tests;
using Mosaik.Hybrid.Examples.Tests.Support;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Examples.Tests;

/// <summary>Three instances over HTTP: what was acknowledged is there, whoever is killed and whoever is asked.</summary>
public sealed partial class KeyValueServiceTests
{
    private readonly HttpClient _client = new() { Timeout = Waiting.Patience };
    private readonly Uri?[] _urls = new Uri?[3];

    [Fact]
    public async Task WhatWasAcknowledgedIsThere_WhoeverIsKilled()
    {
        await using var nodes = new ExampleNodes(
            "KeyValueService",
            "map",
            static _ => ["--urls=http://127.0.0.1:0"]
        );
        for (var place = 0; place < 3; place++)
        {
            await StartAsync(nodes, place);
        }

        await ReadyAsync(0);
        var acknowledged = new Dictionary<string, string>();
        await WriteAsync(acknowledged, 20, [0, 1, 2]);

        var leader = await LeaderAsync([0, 1, 2]);
        await nodes.KillAsync(leader);
        int[] others = [.. Enumerable.Range(0, 3).Where(place => place != leader)];
        await WriteAsync(acknowledged, 20, others);
        await EqualAsync(acknowledged, others);

        await StartAsync(nodes, leader);
        await ReadyAsync(leader);
        await EqualAsync(acknowledged, [leader]);

        // A follower that is told to stop leaves in good order, and the other two go on.
        var next = await LeaderAsync([0, 1, 2]);
        var follower = others.First(place => place != next);
        Assert.Equal(0, await nodes.StopAsync(follower));
        await WriteAsync(acknowledged, 5, [leader]);
        await EqualAsync(acknowledged, [leader]);
        await ReadByScriptAsync(nodes, acknowledged, leader);
    }

    private async Task StartAsync(ExampleNodes nodes, int place)
    {
        var process = await nodes.StartAsync(place);
        _urls[place] = new Uri(await process.SaysAsync(HttpListens()));
    }

    /// <summary>As the readme shows it: the script joins, and answers what the service would.</summary>
    private async Task ReadByScriptAsync(
        ExampleNodes nodes,
        Dictionary<string, string> acknowledged,
        int place
    )
    {
        var (key, value) = acknowledged.First();
        await using var script = ExampleProcess.Start(
            "dotnet",
            [
                "fsi",
                Repository.PathOf("examples", "KeyValueService", "reader.fsx"),
                nodes.Address,
                key,
                "nothing",
            ],
            new Dictionary<string, string> { ["Mosaik__Groups__map__Key"] = nodes.Key }
        );
        var (code, output) = (await script.EndAsync(), script.Output);
        Assert.True(code == 0, output);
        Assert.Contains($"{key} = {value}, version ", output, StringComparison.Ordinal);
        Assert.Contains("nothing has no value", output, StringComparison.Ordinal);
        Assert.Contains("observer: True", output, StringComparison.Ordinal);
        await Again(
            async () => (await StatusAsync(place)).GetProperty("observers").GetInt32() == 0,
            "it has left"
        );
    }

    private async Task WriteAsync(Dictionary<string, string> acknowledged, int count, int[] places)
    {
        for (var number = 0; number < count; number++)
        {
            var key = $"key-{acknowledged.Count}";
            var value = $"value {number} of {places.Length}";
            await PutAsync(places[number % places.Length], key, value);
            acknowledged[key] = value;
        }
    }

    /// <summary>As a careful client: what did not work is tried again, for a put can be repeated.</summary>
    private Task PutAsync(int place, string key, string value) =>
        Again(
            async () =>
            {
                using var answer = await _client.PutAsync(
                    UrlOf(place, $"map/{key}"),
                    new StringContent(value)
                );
                return answer.IsSuccessStatusCode;
            },
            $"{key} is written"
        );

    private async Task EqualAsync(Dictionary<string, string> acknowledged, int[] places)
    {
        foreach (var (key, value) in acknowledged)
        {
            foreach (var place in places)
            {
                var found = "";
                await Again(
                    async () =>
                    {
                        using var answer = await _client.GetAsync(UrlOf(place, $"map/{key}"));
                        found = await answer.Content.ReadAsStringAsync();
                        Assert.NotEqual(HttpStatusCode.NotFound, answer.StatusCode);
                        return answer.IsSuccessStatusCode;
                    },
                    $"{key} is read"
                );
                Assert.Equal(value, found);
            }
        }
    }

    private Task ReadyAsync(int place) =>
        Again(
            async () =>
            {
                using var answer = await _client.GetAsync(UrlOf(place, "ready"));
                return answer.IsSuccessStatusCode;
            },
            "the instance is ready"
        );

    private async Task<int> LeaderAsync(int[] places)
    {
        var leader = -1;
        await Again(
            async () =>
            {
                foreach (var place in places)
                {
                    leader = (await StatusAsync(place)).GetProperty("isLeader").GetBoolean() ? place : leader;
                }

                return leader >= 0;
            },
            "one leads"
        );
        return leader;
    }

    private async Task<JsonElement> StatusAsync(int place)
    {
        using var status = JsonDocument.Parse(await _client.GetStringAsync(UrlOf(place, "status")));
        return status.RootElement.Clone();
    }

    private Uri UrlOf(int place, string path) => new(_urls[place]!, path);

    private static async Task Again(Func<Task<bool>> isDone, string what)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await TryAsync(isDone))
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < Waiting.Patience,
                $"Did not happen: {what}."
            );
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    private static async Task<bool> TryAsync(Func<Task<bool>> isDone)
    {
        try
        {
            return await isDone();
        }
        catch (HttpRequestException)
        {
            // Its connection is gone with the process that was killed.
            return false;
        }
    }

    [GeneratedRegex(@"Now listening on: (http://127\.0\.0\.1:\d+)")]
    private static partial Regex HttpListens();
}
