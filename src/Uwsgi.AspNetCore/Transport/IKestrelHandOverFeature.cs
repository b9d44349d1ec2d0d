namespace Uwsgi.AspNetCore.Transport;

/// <summary>On connections that Kestrel has not seen: its HTTP needs what Kestrel puts around its own connections.</summary>
internal interface IKestrelHandOverFeature
{
    /// <summary>Gets whether Kestrel has the connection now.</summary>
    bool IsHandedOver { get; }

    /// <summary>Gives the connection to Kestrel, which runs the endpoint's middleware again, when the one that calls this has returned.</summary>
    void HandOver();
}
