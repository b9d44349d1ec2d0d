namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>What can be done to a request from outside while its application hangs.</summary>
internal interface ITakeover
{
    /// <summary>
    /// Takes the request from the application: answers 504, or cuts the response off visibly when it has begun. Called once, by the watchdog;
    /// it neither waits nor runs the application's code, and needs the thread pool only where there is no plain socket of one request.
    /// </summary>
    /// <param name="isStarted">Whether the application was first; only where the response's start is arbitrated by the core.</param>
    /// <returns>What closes the connection when the answer has had its time to leave; null when there is nothing to close.</returns>
    Action? Take(bool isStarted);

    /// <summary>The application is through after all: nothing may happen to its request from here on, and no object of it is used again.</summary>
    void Forfeit();
}
