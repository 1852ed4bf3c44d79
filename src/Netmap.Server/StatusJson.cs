using System.Text.Json;
using System.Text.Json.Serialization;

namespace Netmap.Server;

/// <summary>A server's state as text.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ServerStatus))]
internal sealed partial class StatusJson : JsonSerializerContext
{
    public static string Of(ServerStatus status) => JsonSerializer.Serialize(status, Default.ServerStatus);
}
