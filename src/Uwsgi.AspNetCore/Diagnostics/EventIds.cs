namespace Uwsgi.AspNetCore.Diagnostics;

/// <summary>Every event id of the package, each used once and never given to another event.</summary>
internal static class EventIds
{
    // Server and configuration
    public const int InnerServerIgnoresSockets = 2;
    public const int OnlyLoopbackAllowed = 3;
    public const int StaleSocketRemoved = 4;

    // Event loop
    public const int AcceptFailed = 10;
    public const int ConnectionsLeft = 11;
    public const int LoopThreadFailed = 12;
    public const int ThreadMissing = 13;

    // Connections
    public const int PeerRefused = 20;
    public const int ConnectionLimitReached = 21;
    public const int RequestRejected = 22;
    public const int ConnectionReset = 23;
    public const int ConnectionFailed = 24;
    public const int BodyNotDrained = 25;
    public const int Ping = 26;
    public const int WrongProtocol = 27;
    public const int PeerRefusedAgain = 28;
    public const int SlowReaderAborted = 29;

    // Requests
    public const int ApplicationError = 40;
    public const int ApplicationAborted = 41;
    public const int RequestCancelled = 42;
    public const int BadRequest = 43;
    public const int AbortCallbackFailed = 44;
    public const int HeadBodyDiscarded = 45;
    public const int TransferEncodingRemoved = 46;
    public const int CertificateUnreadable = 47;

    // Mounts
    public const int UnknownApp = 60;
    public const int UnknownAppAgain = 61;
    public const int AppsNotMounted = 62;

    // Static files
    public const int StaticRootMissing = 70;
    public const int StaticFileOutside = 71;
    public const int StaticFileOutsideAgain = 72;
    public const int StaticFileUnreadable = 73;
    public const int StaticExpiresTimeout = 74;

    // Harakiri and recycling
    public const int Harakiri = 80;
    public const int HarakiriCancelled = 81;
    public const int TooManyStuck = 82;
    public const int HarakiriCallbackFailed = 83;
    public const int CancellationCallbackFailed = 84;
    public const int SweepFailed = 85;
    public const int ForcedExit = 86;
    public const int Recycling = 87;

    // Statistics
    public const int BacklogUnknown = 100;
    public const int StatsPeerRefused = 101;
    public const int StatsConnectionLimit = 102;
    public const int StatsConnectionDropped = 103;
    public const int StatsAcceptFailed = 104;
    public const int StatsDocumentFailed = 105;

    // Request log
    public const int RequestLogged = 110;
}
